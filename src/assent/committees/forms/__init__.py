"""The forms that members come in: what they share, what each has of its own, and how both give logits."""
