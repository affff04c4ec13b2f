"""The least costly way to a target (盘活方案): acts, their costs, the plan, its certificate.

``targets`` what is to be reached; ``effects`` what an act changes; ``costs``, ``locks``, ``options`` every act there
is; ``problem``, ``hull``, ``highs``, ``solving`` the choice as whole numbers and the best of it; ``posing``,
``reaching``, ``phases``, ``planning`` from a project to a `Plan`; ``choices`` other plans and what they would cost.
"""
