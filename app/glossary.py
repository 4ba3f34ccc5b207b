"""What the field's words mean, a sentence each: explained on the stage, and beside a recipe's controls."""

from collections.abc import Mapping

GLOSSARY: Mapping[str, str] = {
    "anchor": (
        "An embedding whose loss is taken: it is pulled to embeddings of its own class and pushed away from all others."
    ),
    "class-averaging": (
        "What pushes an anchor is averaged within each class first, so that a class does not push harder for having "
        "more images in the batch."
    ),
    "class-complement": "The prototype of every class joins every batch, so that no class is ever missing from it.",
    "class mean": "The mean of a class's embeddings. Angles between two of them are seen from the origin, uncentred.",
    "head": "The three tenths of the classes that have the most training images.",
    "imbalance factor": "Training images of the largest class, divided by those of the smallest.",
    "logit adjustment": (
        "Cross-entropy's logits are raised by the logarithm of their class's share of the training images, so that "
        "frequent classes need not be favoured."
    ),
    "mass": "The share of an anchor's repulsion that comes from one class: the softmax weights of its members, summed.",
    "middle": "The classes between head and tail, whatever their numbers of training images.",
    "pair push": (
        "How hard two classes push on each other in the whole loss: the mass that each has at the other's anchors, "
        "times the weight of those anchors."
    ),
    "predicted optimum": (
        "The class means and prototypes at which the contrastive loss alone is least, were every class one point; "
        "cross-entropy is left out. It is predicted for batches of the size that is said, on average over 1,000 drawn "
        "ones (another draw moves the digits' tails by up to half a degree), or for one batch of everything."
    ),
    "predicted optimum, one batch of everything": (
        "The class means at which the contrastive loss alone is least, as earlier releases stored them: for one batch "
        "of everything, without prototypes that are free to leave their class means, as on Predict they are."
    ),
    "projection": "The contrastive branch's output: features through a small network, then scaled to unit length.",
    "prototype": (
        "A unit vector for each class that is learned with the features, the classifier's weight through a small "
        "network, or else fixed; class-complement puts it into every batch, to be contrasted with."
    ),
    "regular simplex": (
        "Directions that all stand equally far apart, as far as so many can: arccos(−1/(K−1)) for K classes, 96.4° "
        "for ten."
    ),
    "tail": "The three tenths of the classes that have the fewest training images.",
    "warm start": (
        "Backbone and classifier are taken from a run that has finished, an encoder that has seen such images, instead "
        "of being drawn; the heads are drawn all the same."
    ),
    "τ": (
        "The temperature: cosines are divided by it in the contrastive loss. The smaller it is, the more the nearest "
        "negatives count."
    ),
    "λ": "The weight of cross-entropy in the total loss, λ · cross-entropy + μ · contrastive loss.",
    "μ": "The weight of the contrastive loss in the total loss, λ · cross-entropy + μ · contrastive loss.",
}
"""Term → what it means here. In the stage's texts "[tail]" marks a term, and "[rarest|tail]" one by another name."""
