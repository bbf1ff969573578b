"""Scale factors: efficiency of working points in data over that in simulation, from a control region."""
