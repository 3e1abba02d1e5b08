using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Tests.Admission;

public sealed class RbacRulesTests
{
    private const string Ref = """ "roleRef":{"kind":"ClusterRole","name":"view"} """;

    /// <summary>Field and reason of what is wrong, in order; empty when nothing is.</summary>
    [Theory]
    [InlineData("Role", """{"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]}""", "")]
    [InlineData("Role", """{"metadata":{"name":"system:a b.C_"}}""", "")]
    [InlineData("Role", """{"metadata":{"name":"a/b"}}""", "metadata.name Invalid")]
    [InlineData("Role", """{"metadata":{"name":"a%b"}}""", "metadata.name Invalid")]
    [InlineData("Role", """{"metadata":{"name":".."}}""", "metadata.name Invalid")]
    [InlineData("Role", """{"rules":[{"verbs":[],"apiGroups":[""],"resources":["pods"]}]}""", "rules[0].verbs Required")]
    [InlineData("Role", """{"rules":[{"verbs":["get"],"resources":["pods"]}]}""", "rules[0].apiGroups Required")]
    [InlineData("Role", """{"rules":[{"verbs":["get"],"apiGroups":[""]}]}""", "rules[0].resources Required")]
    [InlineData("Role", """{"rules":[{"verbs":["get"],"nonResourceURLs":["/healthz"]}]}""", "rules[0].nonResourceURLs Invalid")]
    [InlineData("ClusterRole", """{"rules":[{"verbs":["get"],"nonResourceURLs":["/healthz"]}]}""", "")]
    [InlineData("ClusterRole", """{"rules":[{"verbs":["get"],"nonResourceURLs":["/x"],"resources":["pods"]}]}""", "rules[0].nonResourceURLs Invalid")]
    [InlineData("ClusterRole", """{"aggregationRule":{"clusterRoleSelectors":[]}}""", "aggregationRule.clusterRoleSelectors Required")]
    [InlineData("ClusterRole", """{"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"a":"b"}}]}}""", "")]
    [InlineData("ClusterRole", """{"aggregationRule":{"clusterRoleSelectors":[{"matchExpressions":[{"key":"a","operator":"Like"}]}]}}""",
        "aggregationRule.clusterRoleSelectors[0].matchExpressions[0].operator Invalid")]
    [InlineData("RoleBinding", "{" + Ref + "}", "")]
    [InlineData("RoleBinding", """{"roleRef":{"kind":"Role","name":"a:b"}}""", "")]
    [InlineData("ClusterRoleBinding", """{"roleRef":{"kind":"Role","name":"a"}}""", "roleRef.kind NotSupported")]
    [InlineData("RoleBinding", """{"roleRef":{"kind":"Role","name":""}}""", "roleRef.name Required")]
    [InlineData("RoleBinding", """{"roleRef":{"apiGroup":"x","kind":"Role","name":"a"}}""", "roleRef.apiGroup NotSupported")]
    [InlineData("RoleBinding", """{"subjects":[{"kind":"User","name":"ann"},{"kind":"Group","name":"g"},{"kind":"ServiceAccount","name":"s"}],""" + Ref + "}", "")]
    [InlineData("ClusterRoleBinding", """{"subjects":[{"kind":"ServiceAccount","name":"s"}],""" + Ref + "}", "subjects[0].namespace Required")]
    [InlineData("RoleBinding", """{"subjects":[{"kind":"ServiceAccount","name":"S","namespace":"n"}],""" + Ref + "}", "subjects[0].name Invalid")]
    [InlineData("RoleBinding", """{"subjects":[{"kind":"ServiceAccount","name":"s","apiGroup":"rbac.authorization.k8s.io"}],""" + Ref + "}", "subjects[0].apiGroup NotSupported")]
    [InlineData("RoleBinding", """{"subjects":[{"kind":"User","name":""}],""" + Ref + "}", "subjects[0].name Required")]
    [InlineData("RoleBinding", """{"subjects":[{"kind":"User","name":"a","apiGroup":"x"}],""" + Ref + "}", "subjects[0].apiGroup NotSupported")]
    [InlineData("RoleBinding", """{"subjects":[{"kind":"Robot","name":"a"}],""" + Ref + "}", "subjects[0].kind NotSupported")]
    public void Object_OfTheGroup_IsHeldToItsRules(string kind, string body, string expected)
    {
        var served = Kinds.Find("rbac.authorization.k8s.io/v1", kind)!;
        var tree = JsonNode.Parse(body)!.AsObject();
        tree["metadata"] ??= new JsonObject { ["name"] = "x" };
        if (served.Namespaced)
        {
            tree["metadata"]!["namespace"] = "n";
        }
        Assert.Equal(expected, string.Join(", ", Refusals(served, tree, null)));
    }

    [Fact]
    public void Binding_RoleChanged_IsRefused()
    {
        var old = Binding("view");
        Defaulting.Apply(AccessKinds.RoleBinding, old, null, new AdmissionContext());
        Assert.Empty(Refusals(AccessKinds.RoleBinding, Binding("view"), old));
        Assert.Equal(["roleRef Invalid"], Refusals(AccessKinds.RoleBinding, Binding("edit"), old));
        var refused = Assert.Single(Validation.Validate(AccessKinds.RoleBinding, Binding("edit"), old, new AdmissionContext()), e => e.Field == "roleRef");
        Assert.Contains("""Invalid value: {"APIGroup":"","Kind":"ClusterRole","Name":"edit"}: cannot change roleRef""", refused.Message);
    }

    [Fact]
    public void Default_OfUsersAndRoles_IsTheGroup_OfServiceAccountsNone()
    {
        var tree = JsonNode.Parse("""{"subjects":[{"kind":"User","name":"u"},{"kind":"ServiceAccount","name":"s"}],"roleRef":{"kind":"Role","name":"r"}}""")!.AsObject();
        Defaulting.Apply(AccessKinds.RoleBinding, tree, null, new AdmissionContext());
        Assert.Equal(
            """{"subjects":[{"kind":"User","name":"u","apiGroup":"rbac.authorization.k8s.io"},{"kind":"ServiceAccount","name":"s"}],"roleRef":{"kind":"Role","name":"r","apiGroup":"rbac.authorization.k8s.io"}}""",
            tree.ToJsonString());
    }

    private static JsonObject Binding(string role) =>
        new()
    {
        ["metadata"] = new JsonObject { ["name"] = "x", ["namespace"] = "n" }, ["roleRef"] = new JsonObject { ["kind"] = "ClusterRole", ["name"] = role },
    };

    private static IEnumerable<string> Refusals(ResourceKind kind, JsonObject tree, JsonObject? old)
    {
        Defaulting.Apply(kind, tree, old, new AdmissionContext());
        return Validation.Validate(kind, tree, old, new AdmissionContext()).Select(e => $"{e.Field} {e.ToCause().Reason["FieldValue".Length..]}");
    }
}
