"""Balanced contrastive learning, all of it: data, views, network, loss, gradient, training, geometry. numpy alone.

    python examples/microbcl.py

What `bcl_core` adds to this is speed, checks, other data and networks, and a place where runs are kept.

Shapes: N anchors (two views of each image of a batch), K classes, d dimensions, M members of the contrast set: the N
anchors and, under class-complement, K prototypes.
"""

import numpy as np

# Ten digits, 7 by 5 dots each, a row of a digit as five bits. An image is one of them, moved, faded, with noise.
FONT = """
01110 10001 10011 10101 11001 10001 01110  00100 01100 00100 00100 00100 00100 01110
01110 10001 00001 00110 01000 10000 11111  01110 10001 00001 00110 00001 10001 01110
00010 00110 01010 10010 11111 00010 00010  11111 10000 11110 00001 00001 10001 01110
00110 01000 10000 11110 10001 10001 01110  11111 00001 00010 00100 01000 01000 01000
01110 10001 10001 01110 10001 10001 01110  01110 10001 10001 01111 00001 00010 01100
"""
DIGITS = np.array([[int(dot) for dot in row] for row in FONT.split()], float).reshape(10, 7, 5)
COUNTS = (130, 84, 54, 35, 22, 14, 9, 6, 4, 2)  # training images of each class: a long tail, imbalance factor 65
K, DIM, HIDDEN = 10, 16, 96
TEMPERATURE, BATCH, EPOCHS, RATE, MOMENTUM = 0.3, 64, 40, 0.2, 0.9


def drawn(counts, rng):
    """Images (n, 10, 8) with values from 0 to 1, and their classes (n,)."""
    labels = np.repeat(np.arange(K), counts)
    images = np.zeros((len(labels), 10, 8))
    for image, label, row, column in zip(
        images, labels, rng.integers(0, 4, len(labels)), rng.integers(0, 4, len(labels)), strict=True
    ):
        image[row : row + 7, column : column + 5] = DIGITS[label] * rng.uniform(0.6, 1)
    return np.clip(images + rng.normal(0, 0.15, images.shape), 0, 1), labels


def view(images, rng):
    """What an encoder is to be blind to: a step in some direction, another brightness, more noise."""
    moved = np.stack([np.roll(image, rng.integers(-1, 2, 2), (0, 1)) for image in images])
    return moved * rng.uniform(0.7, 1.3, (len(images), 1, 1)) + rng.normal(0, 0.1, images.shape)


# --- the loss: SCL and BCL are corners of one square ---------------------------------------------------------------


def contrastive(z, labels, prototypes, *, class_averaging, class_complement, class_anchors=False):
    """Loss, and its gradients with respect to z (N, d) and prototypes (K, d), all of them unit vectors.

    An anchor i with positives Q_i has the loss  L_i = log D_i - mean of s_ip over p in Q_i,  s_ik = z_i · v_k / τ.
    D_i sums e^s over the contrast set without i itself. Class-averaging divides each class's part by how many it has
    there, so that no class pushes for being frequent; class-complement adds a prototype of each class, so that none is
    missing from a batch. With neither this is SCL, with both BCL. Class anchors average L_i over each class first.
    """
    members = np.concatenate([z, prototypes]) if class_complement else z
    member_labels = np.concatenate([labels, np.arange(K)]) if class_complement else labels  # (M,)
    s = z @ members.T / TEMPERATURE  # (N, M)
    alike = labels[:, None] == member_labels
    others = np.ones_like(s)
    np.fill_diagonal(others, 0)  # nobody is in its own contrast set
    positives = alike * others
    size = np.bincount(member_labels, minlength=K)[member_labels] - alike  # of each member's class, i left out

    weight = others / np.maximum(size, 1) if class_averaging else others
    e = weight * np.exp(s - s.max(axis=1, keepdims=True))
    share = e / e.sum(axis=1, keepdims=True)  # (N, M): who pushes i away, and how much
    target = positives / positives.sum(axis=1, keepdims=True)  # who pulls it. Two views: nobody is without a positive
    log_d = np.log(e.sum(axis=1)) + s.max(axis=1)
    losses = log_d - (target * s).sum(axis=1)

    counts = np.bincount(labels, minlength=K)
    average = 1 / counts[labels] / (counts > 0).sum() if class_anchors else np.full(len(z), 1 / len(z))  # (N,)
    # ∂L_i/∂s_ik = share - target: the whole gradient. It reaches v_k from every anchor, and z_i from every member.
    ds = average[:, None] * (share - target) / TEMPERATURE
    dmembers = ds.T @ z
    dz = ds @ members + dmembers[: len(z)]
    return average @ losses, dz, dmembers[len(z) :] if class_complement else np.zeros_like(prototypes)


# --- the network: two layers and the way onto the sphere, forwards and backwards -------------------------------------


def on_sphere(vectors):
    """Vectors at length 1, and their lengths before."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-12
    return vectors / length, length


def back_from_sphere(gradient, unit, length):
    """What moves a vector along itself moves nothing on the sphere."""
    return (gradient - unit * (gradient * unit).sum(axis=1, keepdims=True)) / length


def embed(net, images):
    """Unit vectors z (n, d) and what the way back needs."""
    x = images.reshape(len(images), -1) - 0.3
    hidden = np.maximum(x @ net["in"], 0)
    z, length = on_sphere(hidden @ net["out"])
    return z, (x, hidden, z, length)


def gradients(net, images, labels, **switches):
    """Loss of a batch of views, and its gradient for each array of the network."""
    z, (x, hidden, _, length) = embed(net, images)
    prototypes, prototype_length = on_sphere(net["prototypes"])
    loss, dz, dprototypes = contrastive(z, labels, prototypes, **switches)
    dout = back_from_sphere(dz, z, length)
    dhidden = (dout @ net["out"].T) * (hidden > 0)
    return loss, {
        "in": x.T @ dhidden,
        "out": hidden.T @ dout,
        "prototypes": back_from_sphere(dprototypes, prototypes, prototype_length),
    }


def train(images, labels, *, seed=0, epochs=EPOCHS, **switches):
    """A network, trained from the same start on the same batches and views whatever the switches."""
    rng = np.random.default_rng(seed)
    net = {
        "in": rng.normal(0, np.sqrt(2 / 80), (80, HIDDEN)),
        "out": rng.normal(0, np.sqrt(1 / HIDDEN), (HIDDEN, DIM)),
        "prototypes": rng.normal(size=(K, DIM)),
    }
    speed = {name: np.zeros_like(array) for name, array in net.items()}
    for epoch in range(epochs):
        rate = RATE * (1 + np.cos(np.pi * epoch / epochs)) / 2
        order = rng.permutation(len(images))
        for batch in np.array_split(order, len(images) // BATCH):
            views = np.concatenate([view(images[batch], rng), view(images[batch], rng)])
            _, slope = gradients(net, views, np.tile(labels[batch], 2), **switches)
            for name in net:
                speed[name] = MOMENTUM * speed[name] - rate * slope[name]
                net[name] += speed[name]
    return net


# --- what came of it: angles between the means of classes ------------------------------------------------------------


def class_angles(z, labels):
    """Angles in degrees between class means: (K, K)."""
    means, _ = on_sphere(np.stack([z[labels == c].mean(axis=0) for c in range(K)]))
    return np.degrees(np.arccos(np.clip(means @ means.T, -1, 1))), means


def main():
    """Train three times from one start, and print how the classes stand."""
    rng = np.random.default_rng(0)
    images, labels = drawn(COUNTS, rng)
    test_images, test_labels = drawn([40] * K, rng)
    above = np.triu_indices(K, 1)
    tail = np.triu_indices(3, 1)
    simplex = np.degrees(np.arccos(-1 / (K - 1)))
    print(f"ten classes, {COUNTS[0]} to {COUNTS[-1]} images; in a regular simplex all angles are {simplex:.1f}°")
    print("loss                 off the simplex   tail–tail   nearest class mean")
    for name, switches in {
        "SCL": {"class_averaging": False, "class_complement": False},
        "BCL": {"class_averaging": True, "class_complement": True},
        "BCL, class anchors": {"class_averaging": True, "class_complement": True, "class_anchors": True},
    }.items():
        net = train(images, labels, **switches)
        z, _ = embed(net, test_images)
        angles, _ = class_angles(z, test_labels)
        off = np.sqrt(((angles[above] - simplex) ** 2).mean())
        _, train_means = class_angles(embed(net, images)[0], labels)
        right = (np.argmax(z @ train_means.T, axis=1) == test_labels).mean()
        print(f"{name:20} {off:14.1f}° {angles[-3:, -3:][tail].mean():10.1f}° {100 * right:17.1f} %")


if __name__ == "__main__":
    main()
