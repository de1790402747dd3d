"""AWS, behind the few words the domain needs. Nothing else in the project imports botocore."""
