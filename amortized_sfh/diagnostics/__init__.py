"""Is a posterior right? Coverage, ranks and accuracy against known truths."""
