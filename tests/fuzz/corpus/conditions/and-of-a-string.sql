'true' AND true
