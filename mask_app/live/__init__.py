"""The live camera: the page, the door, and frames from WebRTC and the server's cameras."""
