"""AWS services behind the small interface that the domain needs. No other package of the domain imports botocore."""
