"""Nadam by its formula, in float64, one step after another."""

import numpy as np


class NadamReference:
    """(DeepTau specification, section H.)"""

    def __init__(self, rate, schedule_decay, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
        self.rate, self.d = rate, schedule_decay
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.t, self.product = 0, 1.0
        self.m, self.v = {}, {}

    def momentum(self, t):
        return self.beta_1 * (1 - 0.5 * 0.96 ** (self.d * t))

    def step(self, weights, gradients):
        """Return the weights, by name, after one more step along their gradients."""
        self.t += 1
        now, following = self.momentum(self.t), self.momentum(self.t + 1)
        self.product *= now
        moved = {}
        for name, g in gradients.items():
            self.m[name] = self.beta_1 * self.m.get(name, 0.0) + (1 - self.beta_1) * g
            self.v[name] = self.beta_2 * self.v.get(name, 0.0) + (1 - self.beta_2) * g**2
            along = (1 - now) * g / (1 - self.product) + following * self.m[name] / (1 - self.product * following)
            size = np.sqrt(self.v[name] / (1 - self.beta_2**self.t)) + self.epsilon
            moved[name] = weights[name] - self.rate * along / size
        return moved
