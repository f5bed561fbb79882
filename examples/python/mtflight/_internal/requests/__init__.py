"""Random access: requests that threads answer in the background."""
