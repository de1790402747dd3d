"""Sends committed events and jobs to the queues of their workers. Only this folder knows all workers."""
