"""What a change would do: two releases compared in what they say and in what they decide."""
