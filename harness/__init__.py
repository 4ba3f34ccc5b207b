"""What tests and benchmarks share: a browser, a server of the app, and runs made without a training."""
