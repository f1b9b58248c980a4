"""Network policy: what each kind of policy means, in one form that no kind's own words reach beyond.

Pure rules without I/O. `rules` is the form; `network_policy`, `admin_policy`, `calico`, `cilium` and `istio`
read their kinds into it; `decision` says what selected policies together decide.
"""
