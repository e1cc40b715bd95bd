"""Soft actor-critic on a point that shall reach the origin: squashed Gaussians, two critics."""

import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions.normal import Normal

LOG_STD_MAX, LOG_STD_MIN = 2, -5


class SoftQNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(np.array((2,)).prod() + np.prod((2,)), 32)
        self.fc2 = nn.Linear(32, 32)
        self.fc3 = nn.Linear(32, 1)

    def forward(self, x, a):
        x = torch.cat([x, a], 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 32)
        self.fc_mean = nn.Linear(32, 2)
        self.fc_logstd = nn.Linear(32, 2)
        high, low = np.ones(2), -np.ones(2)
        self.register_buffer("action_scale", torch.tensor((high - low) / 2.0, dtype=torch.float32))
        self.register_buffer("action_bias", torch.tensor((high + low) / 2.0, dtype=torch.float32))

    def forward(self, x):
        x = F.relu(self.fc1(x))
        log_std = torch.tanh(self.fc_logstd(x))
        log_std = LOG_STD_MIN + 0.5 * (LOG_STD_MAX - LOG_STD_MIN) * (log_std + 1)
        return self.fc_mean(x), log_std

    def get_action(self, x):
        mean, log_std = self(x)
        normal = Normal(mean, log_std.exp())
        x_t = normal.rsample()
        y_t = torch.tanh(x_t)
        action = y_t * self.action_scale + self.action_bias
        log_prob = normal.log_prob(x_t)
        log_prob -= torch.log(self.action_scale * (1 - y_t.pow(2)) + 1e-6)
        log_prob = log_prob.sum(1, keepdim=True)
        return action, log_prob, torch.tanh(mean) * self.action_scale + self.action_bias


def main():
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    torch.backends.cudnn.deterministic = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    actor = Actor().to(device)
    qf1, qf2 = SoftQNetwork().to(device), SoftQNetwork().to(device)
    qf1_target, qf2_target = SoftQNetwork().to(device), SoftQNetwork().to(device)
    qf1_target.load_state_dict(qf1.state_dict())
    qf2_target.load_state_dict(qf2.state_dict())
    q_optimizer = optim.Adam(list(qf1.parameters()) + list(qf2.parameters()), lr=1e-2)
    actor_optimizer = optim.Adam(list(actor.parameters()), lr=1e-2)
    target_entropy = -torch.prod(torch.Tensor((2,)).to(device)).item()
    log_alpha = torch.zeros(1, requires_grad=True, device=device)
    alpha = log_alpha.exp().item()
    a_optimizer = optim.Adam([log_alpha], lr=1e-2)
    buffer, distances = [], []
    obs = np.random.uniform(-1, 1, 2).astype(np.float32)
    for step in range(400):
        if step < 50:
            action = np.random.uniform(-1, 1, 2)
        else:
            action, _, _ = actor.get_action(torch.Tensor(obs[None]).to(device))
            action = action.detach().cpu().numpy()[0]
        next_obs = np.clip(obs + 0.5 * action, -2, 2).astype(np.float32)
        done = step % 5 == 4
        buffer.append((obs, action.astype(np.float32), -float((next_obs ** 2).sum()), next_obs))
        obs = np.random.uniform(-1, 1, 2).astype(np.float32) if done else next_obs
        if step < 50:
            continue
        data = [torch.tensor(np.array(column), dtype=torch.float32, device=device)
                for column in zip(*random.sample(buffer, 32))]
        with torch.no_grad():
            next_actions, next_log_pi, _ = actor.get_action(data[3])
            min_next = torch.min(qf1_target(data[3], next_actions),
                                 qf2_target(data[3], next_actions)) - alpha * next_log_pi
            next_q_value = data[2].flatten() + 0.8 * min_next.view(-1)
        qf_loss = (F.mse_loss(qf1(data[0], data[1]).view(-1), next_q_value)
                   + F.mse_loss(qf2(data[0], data[1]).view(-1), next_q_value))
        q_optimizer.zero_grad()
        qf_loss.backward()
        q_optimizer.step()
        pi, log_pi, _ = actor.get_action(data[0])
        actor_loss = ((alpha * log_pi) - torch.min(qf1(data[0], pi), qf2(data[0], pi))).mean()
        actor_optimizer.zero_grad()
        actor_loss.backward()
        actor_optimizer.step()
        with torch.no_grad():
            _, log_pi, _ = actor.get_action(data[0])
        alpha_loss = (-log_alpha.exp() * (log_pi + target_entropy)).mean()
        a_optimizer.zero_grad()
        alpha_loss.backward()
        a_optimizer.step()
        alpha = log_alpha.exp().item()
        for q, target in ((qf1, qf1_target), (qf2, qf2_target)):
            for param, target_param in zip(q.parameters(), target.parameters()):
                target_param.data.copy_(0.05 * param.data + (1 - 0.05) * target_param.data)
        with torch.no_grad():
            start = torch.tensor([[1.0, 1.0], [-1.0, 0.5], [0.5, -1.0]])
            for _ in range(4):
                start = start + 0.5 * actor.get_action(start)[2]
            distances.append(start.norm(dim=1).mean().item())
    return [sum(distances[i:i + 50]) / 50 for i in range(0, 350, 50)]
