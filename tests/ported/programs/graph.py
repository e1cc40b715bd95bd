"""A graph convolutional network on two communities."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.modules.module import Module
from torch.nn.parameter import Parameter


class GraphConvolution(Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = Parameter(torch.FloatTensor(in_features, out_features))
        if bias:
            self.bias = Parameter(torch.FloatTensor(out_features))
        else:
            self.register_parameter("bias", None)
        stdv = 1.0 / math.sqrt(self.weight.size(1))
        self.weight.data.uniform_(-stdv, stdv)
        if self.bias is not None:
            self.bias.data.uniform_(-stdv, stdv)

    def forward(self, input, adj):
        output = torch.mm(adj, torch.mm(input, self.weight))
        return output + self.bias if self.bias is not None else output


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout):
        super().__init__()
        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass)
        self.dropout = dropout

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        x = F.dropout(x, self.dropout, training=self.training)
        return F.log_softmax(self.gc2(x, adj), dim=1)


def main():
    torch.manual_seed(8)
    labels = torch.cat([torch.zeros(20), torch.ones(20)]).long()
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    adj = (torch.rand(40, 40) < torch.where(same, 0.3, 0.05)).float()
    adj = ((adj + adj.t()) > 0).float() + torch.eye(40)
    degree = adj.sum(1)
    adj = adj * degree.pow(-0.5).unsqueeze(0) * degree.pow(-0.5).unsqueeze(1)
    features = torch.eye(40)
    idx_train = torch.LongTensor([0, 1, 2, 20, 21, 22])
    model = GCN(40, 8, 2, 0.2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=5e-4)
    losses = []
    for _ in range(60):
        model.train()
        optimizer.zero_grad()
        output = model(features, adj)
        loss = F.nll_loss(output[idx_train], labels[idx_train])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    correct = model(features, adj).max(1)[1].type_as(labels).eq(labels).double().sum()
    assert correct.item() / len(labels) > 0.8
    return losses
