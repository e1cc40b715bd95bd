"""A denoising diffusion model of small patterns: noise schedule, time embedding, U-Net."""

import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import Adam

T = 20


def linear_beta_schedule(timesteps, start=0.0001, end=0.2):
    return torch.linspace(start, end, timesteps)


def get_index_from_list(vals, t, x_shape):
    batch_size = t.shape[0]
    out = vals.gather(-1, t.cpu())
    return out.reshape(batch_size, *((1,) * (len(x_shape) - 1))).to(t.device)


betas = linear_beta_schedule(timesteps=T)
alphas = 1.0 - betas
alphas_cumprod = torch.cumprod(alphas, axis=0)
alphas_cumprod_prev = F.pad(alphas_cumprod[:-1], (1, 0), value=1.0)
sqrt_recip_alphas = torch.sqrt(1.0 / alphas)
posterior_variance = betas * (1.0 - alphas_cumprod_prev) / (1.0 - alphas_cumprod)


def forward_diffusion_sample(x_0, t):
    noise = torch.randn_like(x_0)
    mean = get_index_from_list(torch.sqrt(alphas_cumprod), t, x_0.shape) * x_0
    return mean + get_index_from_list(torch.sqrt(1.0 - alphas_cumprod), t, x_0.shape) * noise, noise


class SinusoidalPositionEmbeddings(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, time):
        half_dim = self.dim // 2
        embeddings = math.log(10000) / (half_dim - 1)
        embeddings = torch.exp(torch.arange(half_dim, device=time.device) * -embeddings)
        embeddings = time[:, None] * embeddings[None, :]
        return torch.cat((embeddings.sin(), embeddings.cos()), dim=-1)


class Block(nn.Module):
    def __init__(self, in_ch, out_ch, time_emb_dim, up=False):
        super().__init__()
        self.time_mlp = nn.Linear(time_emb_dim, out_ch)
        if up:
            self.conv1 = nn.Conv2d(2 * in_ch, out_ch, 3, padding=1)
            self.transform = nn.ConvTranspose2d(out_ch, out_ch, 4, 2, 1)
        else:
            self.conv1 = nn.Conv2d(in_ch, out_ch, 3, padding=1)
            self.transform = nn.Conv2d(out_ch, out_ch, 4, 2, 1)
        self.conv2 = nn.Conv2d(out_ch, out_ch, 3, padding=1)
        self.norm = nn.GroupNorm(4, out_ch)
        self.act = nn.SiLU()

    def forward(self, x, t):
        h = self.norm(self.act(self.conv1(x)))
        time_emb = self.act(self.time_mlp(t))
        h = h + time_emb[(...,) + (None,) * 2]
        return self.transform(self.act(self.conv2(h)))


class SimpleUnet(nn.Module):
    def __init__(self, channels=(8, 16, 16), time_emb_dim=16):
        super().__init__()
        self.time_mlp = nn.Sequential(SinusoidalPositionEmbeddings(time_emb_dim),
                                      nn.Linear(time_emb_dim, time_emb_dim), nn.ReLU())
        self.conv0 = nn.Conv2d(1, channels[0], 3, padding=1)
        self.downs = nn.ModuleList([Block(channels[i], channels[i + 1], time_emb_dim)
                                    for i in range(len(channels) - 1)])
        self.ups = nn.ModuleList([Block(channels[i], channels[i - 1], time_emb_dim, up=True)
                                  for i in range(len(channels) - 1, 0, -1)])
        self.output = nn.Conv2d(channels[0], 1, 1)

    def forward(self, x, timestep):
        t = self.time_mlp(timestep)
        x = self.conv0(x)
        residual_inputs = []
        for down in self.downs:
            x = down(x, t)
            residual_inputs.append(x)
        for up in self.ups:
            x = up(torch.cat((x, residual_inputs.pop()), dim=1), t)
        return self.output(x)


@torch.no_grad()
def sample(model, n):
    img = torch.randn((n, 1, 8, 8))
    for i in range(0, T)[::-1]:
        t = torch.full((n,), i, dtype=torch.long)
        noise = (get_index_from_list(betas, t, img.shape) * model(img, t)
                 / get_index_from_list(torch.sqrt(1.0 - alphas_cumprod), t, img.shape))
        mean = get_index_from_list(sqrt_recip_alphas, t, img.shape) * (img - noise)
        spread = get_index_from_list(posterior_variance, t, img.shape)
        img = mean if i == 0 else mean + torch.sqrt(spread) * torch.randn_like(img)
        img = torch.clamp(img, -3.0, 3.0)
    return img


def main():
    torch.manual_seed(12)
    data = torch.ones(32, 1, 8, 8)
    data[:, :, :, ::2] = -1
    data[16:] *= -1
    model = SimpleUnet()
    optimizer = Adam(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(120):
        optimizer.zero_grad()
        t = torch.randint(0, T, (32,)).long()
        x_noisy, noise = forward_diffusion_sample(data, t)
        loss = F.mse_loss(noise, model(x_noisy, t))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    smooth = torch.tensor(losses).view(-1, 20).mean(1)
    images = sample(model.eval(), 4)
    columns = images[:, 0, :, ::2].mean() * 0 + images[:, 0].std(dim=(1, 2))
    assert torch.isfinite(images).all() and bool((columns > 0.2).all())
    return smooth.tolist()
