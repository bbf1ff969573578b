"""What changes in the course of a training, as functions of the step or epoch: a resumed training needs no state of them."""
