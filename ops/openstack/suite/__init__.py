"""Workers against a real OpenStack: the lab around them, the cases, and the judge who asks the cloud itself."""
