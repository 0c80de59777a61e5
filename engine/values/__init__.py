"""What data is: values, money, types, and the one way in which each is read and written."""
