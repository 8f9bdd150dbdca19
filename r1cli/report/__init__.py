"""What came out of a run, for people: reads run directories and metric rows, knows no trainer."""
