"""nn.functional where a module does not call it, or with arguments that modules do not give."""

from tests.parity.case import between, bits, integers, normal, signs, values

X, Y = normal(3, 4), normal(3, 4)
IMAGE, VOLUME = normal(2, 3, 6, 7), normal(1, 2, 4, 5, 6)
Q, K, V = normal(2, 3, 5, 4), normal(2, 3, 6, 4), normal(2, 3, 6, 4)
F = "nn.functional."
KEEP = values([[True, False, True, True, False, True]] * 5)

CALLS = {
    "normalize": [(X,), (X, 1.0), (X, 2.0, 0), (normal(2, 3, 4), 3.0, -1), (X, 2.0, 1, 0.5)],
    "one_hot": [(integers(4, 3),), (integers(4, 2, 3), 6), (values([0, 5]), 3), (X,)],
    "pad": [(X, (1, 2)), (X, (1, 2), "constant", 3.0), (IMAGE, (1, 0, 2, 1), "reflect"),
            (IMAGE, (1, 0, 2, 1), "replicate"), (IMAGE, (1, 0, 2, 1), "circular"),
            (X, (-1, 0)), (X, (1,)), (X, (1, 1), "mirror"), (IMAGE, (9, 9), "reflect")],
    "glu": [(X,), (normal(4, 3), 0), (normal(3, 3),), (normal(),)],
    "softmin": [(X, 0)], "hardtanh": [(X, -0.5, 0.5)], "leaky_relu": [(X, 0.2)],
    "elu": [(X, 0.5)], "softsign": [(X,)], "tanhshrink": [(X,)], "mish": [(X,)], "silu": [(X,)],
    "hardtanh_": [(X, -0.5, 0.5)], "elu_": [(X, 0.5)], "celu_": [(X,)], "selu_": [(X,)],
    "leaky_relu_": [(X, 0.2)], "threshold_": [(X, 0.1, 2.0)], "relu_": [(X,)], "rrelu": [(X,)],
    "rrelu_": [(X,)], "gelu": [(X,), (X, {"approximate": "tanh"})],
    "dropout": [(X, 0.0), (X, 1.0), (X, 0.5, False), (X, 1.5)],
    "linear": [(X, normal(5, 4)), (X, normal(5, 4), normal(5)), (normal(4), normal(4)),
               (X, normal(5, 3))],
    "bilinear": [(X, normal(3, 5), normal(2, 4, 5)), (X, normal(2, 5), normal(2, 4, 5))],
    "embedding": [(integers(5, 3), normal(5, 2)), (values([9]), normal(5, 2)),
                  (integers(5, 2, 2), normal(5, 2), 1)],
    "batch_norm": [(IMAGE, values([0.1, 0.2, 0.3]), values([1.0, 2.0, 0.5])),
                   (IMAGE, None, None, normal(3), normal(3), True)],
    "layer_norm": [(X, (4,)), (X, (4,), normal(4), normal(4)), (X, (3,))],
    "rms_norm": [(X, (4,)), (X, (4,), normal(4), 0.1)],
    "group_norm": [(IMAGE, 3), (IMAGE, 1, normal(3), normal(3)), (IMAGE, 2)],
    "instance_norm": [(IMAGE,), (IMAGE, None, None, normal(3), normal(3))],
    "local_response_norm": [(IMAGE, 2), (X, 2)],
    "cosine_similarity": [(X, Y), (X, Y, 0), (X, normal(4), -1)],
    "pairwise_distance": [(X, Y), (X, Y, 1.0, 0.0, True)], "pdist": [(X,), (X, 1.0)],
    "interpolate": [(IMAGE, 4), (IMAGE, None, 2.0, "bilinear"), (VOLUME, 3, None, "trilinear"),
                    (IMAGE, None, None), (IMAGE, 4, None, "linear"), (IMAGE, (3, 4), None, "area")],
    "upsample": [(IMAGE, 4)], "upsample_nearest": [(IMAGE, 4)], "upsample_bilinear": [(IMAGE, 4)],
    "pixel_shuffle": [(normal(1, 8, 2, 3), 2), (IMAGE, 2)],
    "pixel_unshuffle": [(normal(1, 2, 4, 6), 2), (IMAGE, 4)],
    "channel_shuffle": [(normal(2, 6, 3), 3), (normal(2, 6, 3), 4)],
    "grid_sample": [(IMAGE, between(-1.2, 1.2, 2, 3, 4, 2), {"align_corners": a})
                    for a in (True, False)],
    "affine_grid": [(normal(2, 2, 3), (2, 1, 3, 4), {"align_corners": False})],
    "adaptive_max_pool2d_with_indices": [(IMAGE, 2)],
    "adaptive_max_pool1d_with_indices": [(normal(2, 3, 7), 3)],
    "max_pool2d_with_indices": [(IMAGE, 2)], "max_pool1d": [(normal(2, 3, 7), 2)],
    "avg_pool2d": [(IMAGE, 2), (IMAGE, 3, 1, 1), (IMAGE, 9)],
    "lp_pool2d": [(between(0.1, 1, 2, 3, 6, 7), 2, 2)],
    "unfold": [], "fold": [],
    "scaled_dot_product_attention": [(Q, K, V), (Q, K, V, KEEP), (Q, K, V, normal(5, 6)),
                                     (Q, Q, Q, {"is_causal": True}), (Q, K, V, {"scale": 0.3})],
    "binary_cross_entropy": [(between(0.1, 0.9, 3, 4), bits(3, 4))],
    "binary_cross_entropy_with_logits": [(X, bits(3, 4), {"reduction": "none"})],
    "cross_entropy": [(X, integers(4, 3)), (X, integers(4, 2)), (X, values([0, 9, 1]))],
    "nll_loss": [(X, integers(4, 3)), (X, values([0, -100, 1]))],
    "mse_loss": [(X, Y), (X, normal(4))], "l1_loss": [(X, Y, {"reduction": "sum"})],
    "smooth_l1_loss": [(X, Y, {"beta": 0.5})], "huber_loss": [(X, Y, {"delta": 0.5})],
    "kl_div": [(X, between(0.1, 1, 3, 4), {"reduction": "batchmean"})],
    "poisson_nll_loss": [(X, between(0.1, 3, 3, 4))], "gaussian_nll_loss": [
        (X, Y, between(0.1, 1, 3, 4))], "soft_margin_loss": [(X, signs(3, 4))],
    "hinge_embedding_loss": [(X, signs(3, 4), 0.5)], "margin_ranking_loss": [(X, Y, signs(3, 4))],
    "multi_margin_loss": [(X, integers(4, 3))], "multilabel_margin_loss": [
        (X, values([[0, 1, -1, 2]] * 3))], "multilabel_soft_margin_loss": [(X, bits(3, 4))],
    "triplet_margin_loss": [(X, Y, normal(3, 4))], "cosine_embedding_loss": [(X, Y, signs(3))],
    "triplet_margin_with_distance_loss": [(X, Y, normal(3, 4))],
    "linear_cross_entropy": [(X, normal(5, 4), integers(5, 3))],
    "conv1d": [(normal(2, 3, 7), normal(4, 3, 3)), (normal(2, 3, 7), normal(4, 2, 3))],
    "conv2d": [(IMAGE, normal(4, 3, 3, 2), normal(4), 2, 1), (IMAGE, normal(4, 3, 9, 9)),
               (IMAGE, normal(4, 3, 3, 3), None, 1, "same")],
    "conv3d": [(VOLUME, normal(3, 2, 2, 2, 2))],
    "conv_transpose1d": [(normal(2, 3, 7), normal(3, 4, 3))],
    "conv_transpose2d": [(IMAGE, normal(3, 4, 3, 2), normal(4), 2, 1, 1)],
    "conv_transpose3d": [(VOLUME, normal(2, 3, 2, 2, 2))],
    "alpha_dropout": [(X, 0.5, False)], "feature_alpha_dropout": [(IMAGE, 0.5, False)],
    "dropout2d": [(IMAGE, 0.0)],
}
CALLS = {F + name: calls for name, calls in CALLS.items() if calls}
