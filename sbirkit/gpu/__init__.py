"""What a GPU does here: is it right, how fast is it, and what has one been seen to do?"""
