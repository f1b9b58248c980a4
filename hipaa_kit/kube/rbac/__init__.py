"""RBAC as the API server evaluates it: rules, role bindings, aggregation, and the test against escalation.

`Policy` holds the roles and role bindings of a cluster and answers `can` and `rules_for`. `may_bind` and
`may_write_role` are the API server's escalation test, `covers` the comparison of rules it rests on.
"""

from hipaa_kit.kube.rbac.aggregation import ClusterRole, Drift, aggregated, drift, gathered, parse_selectors
from hipaa_kit.kube.rbac.bindings import (
    Binding,
    Grant,
    Policy,
    Principal,
    Requester,
    RoleId,
    RoleRef,
    Subject,
    applies,
    parse_binding,
    parse_policy,
    principal,
)
from hipaa_kit.kube.rbac.escalation import Escalation, may_bind, may_write_role
from hipaa_kit.kube.rbac.rules import (
    FULL_AUTHORITY,
    RbacError,
    Request,
    Rule,
    allows,
    api_call,
    broken_down,
    covers,
    parse_rules,
    rule_allows,
    uncovered,
)
from hipaa_kit.kube.rbac.users import built_in_groups, service_account_of, service_account_user

__all__ = [
    "FULL_AUTHORITY",
    "Binding",
    "ClusterRole",
    "Drift",
    "Escalation",
    "Grant",
    "Policy",
    "Principal",
    "RbacError",
    "Request",
    "Requester",
    "RoleId",
    "RoleRef",
    "Rule",
    "Subject",
    "aggregated",
    "allows",
    "api_call",
    "applies",
    "broken_down",
    "built_in_groups",
    "covers",
    "drift",
    "gathered",
    "may_bind",
    "may_write_role",
    "parse_binding",
    "parse_policy",
    "parse_rules",
    "parse_selectors",
    "principal",
    "rule_allows",
    "service_account_of",
    "service_account_user",
    "uncovered",
]
