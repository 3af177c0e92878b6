"""What a policy is: features of a conversation, the network, and the torch-free runtime."""
