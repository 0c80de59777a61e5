"""What each verb does with one step: one file a verb.

Each takes the turn, the step, the scope and the item's key, and returns where the step stands and
its value. A verb that cannot go on gives its commands and says ASKED, WAITING or HELD; it is called
again, with the answers, until it comes to an end.
"""
