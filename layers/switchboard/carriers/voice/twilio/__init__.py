"""Twilio's side of calls: the instructions that it reads (TwiML), and the callbacks that it sends."""
