"""What the objects are: classes, domains, contributions of the control region, discriminators. Each has one home here."""
