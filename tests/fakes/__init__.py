"""The doubles of services outside the platform, one module for each port. Tests take them from here.

| module | stands for |
|---|---|
| `voice` | a voice provider: line and talker in one |
| `mail` | a mail carrier |
| `receiver` | the receiver of webhooks |
| `bedrock` | the client of the language model |
| `issuer` | an OpenID Connect issuer |

A clock for tests is `switchboard.kit.clock.FrozenClock`. The simulators in `carriers/` are no doubles, because the
system itself uses them.
"""
