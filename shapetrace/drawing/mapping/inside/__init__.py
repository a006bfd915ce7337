"""What is in a box of a map, opened in a panel beside the column: attention, and a mixture of experts."""
