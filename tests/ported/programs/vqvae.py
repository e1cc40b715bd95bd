"""A VQ-VAE: nearest codes, straight-through gradients, a codebook kept by moving averages."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class VectorQuantizerEMA(nn.Module):
    def __init__(self, num_embeddings, embedding_dim, commitment_cost, decay, epsilon=1e-5):
        super(VectorQuantizerEMA, self).__init__()
        self._embedding_dim = embedding_dim
        self._num_embeddings = num_embeddings
        self._embedding = nn.Embedding(self._num_embeddings, self._embedding_dim)
        self._embedding.weight.data.uniform_(-1 / num_embeddings, 1 / num_embeddings)
        self._commitment_cost = commitment_cost
        self.register_buffer("_ema_cluster_size", torch.ones(num_embeddings))
        self._ema_w = nn.Parameter(torch.Tensor(num_embeddings, self._embedding_dim))
        self._ema_w.data.copy_(self._embedding.weight.data)
        self._decay = decay
        self._epsilon = epsilon

    def forward(self, inputs):
        inputs = inputs.permute(0, 2, 3, 1).contiguous()
        input_shape = inputs.shape
        flat_input = inputs.view(-1, self._embedding_dim)
        distances = (torch.sum(flat_input**2, dim=1, keepdim=True)
                     + torch.sum(self._embedding.weight**2, dim=1)
                     - 2 * torch.matmul(flat_input, self._embedding.weight.t()))
        encoding_indices = torch.argmin(distances, dim=1).unsqueeze(1)
        encodings = torch.zeros(encoding_indices.shape[0], self._num_embeddings,
                                device=inputs.device)
        encodings.scatter_(1, encoding_indices, 1)
        quantized = torch.matmul(encodings, self._embedding.weight).view(input_shape)
        if self.training:
            self._ema_cluster_size = self._ema_cluster_size * self._decay + (
                1 - self._decay) * torch.sum(encodings, 0)
            n = torch.sum(self._ema_cluster_size.data)
            self._ema_cluster_size = ((self._ema_cluster_size + self._epsilon)
                                      / (n + self._num_embeddings * self._epsilon) * n)
            dw = torch.matmul(encodings.t(), flat_input)
            self._ema_w = nn.Parameter(self._ema_w * self._decay + (1 - self._decay) * dw)
            self._embedding.weight = nn.Parameter(
                self._ema_w / self._ema_cluster_size.unsqueeze(1))
        e_latent_loss = F.mse_loss(quantized.detach(), inputs)
        loss = self._commitment_cost * e_latent_loss
        quantized = inputs + (quantized - inputs).detach()
        avg_probs = torch.mean(encodings, dim=0)
        perplexity = torch.exp(-torch.sum(avg_probs * torch.log(avg_probs + 1e-10)))
        return loss, quantized.permute(0, 3, 1, 2).contiguous(), perplexity, encodings


class Residual(nn.Module):
    def __init__(self, channels):
        super(Residual, self).__init__()
        self._block = nn.Sequential(
            nn.ReLU(True), nn.Conv2d(channels, channels // 2, kernel_size=3, padding=1, bias=False),
            nn.ReLU(True), nn.Conv2d(channels // 2, channels, kernel_size=1, bias=False))

    def forward(self, x):
        return x + self._block(x)


class Model(nn.Module):
    def __init__(self):
        super(Model, self).__init__()
        self._encoder = nn.Sequential(nn.Conv2d(1, 16, 4, stride=2, padding=1), Residual(16),
                                      nn.Conv2d(16, 8, kernel_size=1))
        self._vq_vae = VectorQuantizerEMA(16, 8, 0.25, 0.9)
        self._decoder = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), Residual(16),
                                      nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1))

    def forward(self, x):
        z = self._encoder(x)
        loss, quantized, perplexity, _ = self._vq_vae(z)
        return loss, self._decoder(quantized), perplexity


def main():
    torch.manual_seed(14)
    data = (torch.rand(64, 1, 4, 4) > 0.5).float()
    data = F.interpolate(data, scale_factor=2, mode="nearest") - 0.5
    data_variance = torch.var(data)
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, amsgrad=False)
    model.train()
    losses = []
    for i in range(60):
        batch = data[(i % 2) * 32:(i % 2 + 1) * 32]
        optimizer.zero_grad()
        vq_loss, data_recon, perplexity = model(batch)
        recon_error = F.mse_loss(data_recon, batch) / data_variance
        loss = recon_error + vq_loss
        loss.backward()
        optimizer.step()
        losses.append(recon_error.item())
        assert 1 <= perplexity.item() <= 16
    model.eval()
    _, valid, _ = model(data[:4])
    assert valid.shape == (4, 1, 8, 8)
    return losses
