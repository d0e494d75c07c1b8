"Scripts that measure this kit against its peers, side by side; results in RESULTS.md"
