"""Reinforcement learning: REINFORCE on a bandit with states."""

from collections import deque

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 32)
        self.dropout = nn.Dropout(p=0.0)
        self.affine2 = nn.Linear(32, 2)
        self.saved_log_probs = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.dropout(self.affine1(x)))
        return F.softmax(self.affine2(x), dim=1)


def main():
    torch.manual_seed(3)
    policy = Policy()
    optimizer = optim.Adam(policy.parameters(), lr=2e-2)
    eps = torch.finfo(torch.float32).eps
    losses = []
    for _ in range(40):
        for _ in range(30):
            state = torch.randn(1, 4)
            m = Categorical(policy(state))
            action = m.sample()
            policy.saved_log_probs.append(m.log_prob(action))
            policy.rewards.append(float(action.item() == int(state[0, 0] > 0)))
        missed = 30 - sum(policy.rewards)
        returns = deque()
        for r in policy.rewards[::-1]:
            returns.appendleft(r)
        returns = torch.tensor(returns)
        returns = (returns - returns.mean()) / (returns.std() + eps)
        policy_loss = [-p * R for p, R in zip(policy.saved_log_probs, returns, strict=True)]
        optimizer.zero_grad()
        torch.cat(policy_loss).sum().backward()
        optimizer.step()
        del policy.rewards[:]
        del policy.saved_log_probs[:]
        losses.append(missed)
    return [sum(losses[:8]) / 8, sum(losses[-8:]) / 8]
