"""What a tau tuple is: branches, streamed reading, writing, selection strings, generator matching, histograms."""
