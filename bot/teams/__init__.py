"""The only room with the Bot Framework SDK. Replacing the SDK must cost this room and nothing else."""
