using Serval.Api;
using Serval.Api.Access;
using Serval.ApiServer.Access;
using Serval.ApiServer.Certificates;

namespace Serval.ApiServer.Tests.Access;

/// <summary>What rules mean, and whose they are.</summary>
public sealed class RbacIndexTests
{
    /// <summary>A rule as <c>verbs | groups | resources | names</c> (or paths after <c>@</c>), a request as <c>verb group resource/sub name</c> or <c>verb @path</c>.</summary>
    [Theory]
    [InlineData("get||pods|", "get - pods x", true)]
    [InlineData("get||pods|", "list - pods -", false)]
    [InlineData("get,list||pods|", "list - pods -", true)]
    [InlineData("*||pods|", "deletecollection - pods -", true)]
    [InlineData("get||pods|", "get apps pods x", false)]
    [InlineData("get|apps|deployments|", "get apps deployments x", true)]
    [InlineData("get|*|deployments|", "get apps deployments x", true)]
    [InlineData("get|*|pods|", "get - pods x", true)]
    [InlineData("get||*|", "get - pods x", true)]
    [InlineData("get||*|", "get - pods/log x", true)]
    [InlineData("get||pods|", "get - pods/log x", false)]
    [InlineData("get||pods/log|", "get - pods/log x", true)]
    [InlineData("get||pods/log|", "get - pods x", false)]
    [InlineData("get||pods/*|", "get - pods/log x", false)]
    [InlineData("update|apps|*/scale|", "update apps deployments/scale x", true)]
    [InlineData("update|apps|*/scale|", "update apps deployments/status x", false)]
    [InlineData("update|apps|*/scale|", "update apps deployments x", false)]
    [InlineData("update|apps|xdeployments/scale|", "update apps deployments/scale x", false)]
    [InlineData("get||pods|x", "get - pods x", true)]
    [InlineData("get||pods|x", "get - pods y", false)]
    [InlineData("list||pods|x", "list - pods -", false)]
    [InlineData("list||pods|x", "list - pods x", true)]
    [InlineData("create||pods|x", "create - pods -", false)]
    [InlineData("get||pods|x,y", "get - pods y", true)]
    [InlineData("get,list|,apps|pods,deployments|", "list apps deployments -", true)]
    [InlineData("get@/healthz", "get @/healthz", true)]
    [InlineData("get@/healthz", "get @/healthz/x", false)]
    [InlineData("get@/healthz", "post @/healthz", false)]
    [InlineData("get@/apis/*", "get @/apis/apps/v1", true)]
    [InlineData("get@/apis/*", "get @/apis", false)]
    [InlineData("get@/apis*", "get @/apisx", true)]
    [InlineData("get@*", "get @/anything", true)]
    [InlineData("*@*", "post @/anything", true)]
    [InlineData("get@/*/x", "get @/a/x", false)]
    [InlineData("*|*|*|", "get @/version", false)]
    [InlineData("*@*", "get - pods x", false)]
    public void Rule_AllowsWhatItNames(string rule, string request, bool expected)
    {
        Assert.Equal(expected, Rule(rule).Allows(Request(request)));
    }

    [Theory]
    [InlineData("ann", "", "get - pods x", "one", true, "RBAC: allowed by RoleBinding \"pods/one\" of Role \"reader\" to User \"ann\"")]
    [InlineData("ann", "", "get - pods x", "two", false, "")]
    [InlineData("ann", "", "list - pods -", "", false, "")]
    [InlineData("bob", "devs", "get - secrets x", "two", true, "RBAC: allowed by ClusterRoleBinding \"all\" of ClusterRole \"secrets\" to Group \"devs\"")]
    [InlineData("bob", "devs", "list - secrets -", "", true, "RBAC: allowed by ClusterRoleBinding \"all\" of ClusterRole \"secrets\" to Group \"devs\"")]
    [InlineData("bob", "", "get - secrets x", "two", false, "")]
    [InlineData("system:serviceaccount:two:robot", "", "get - secrets x", "one", true, "RBAC: allowed by RoleBinding \"robots/one\" of ClusterRole \"secrets\" to ServiceAccount \"robot/two\"")]
    [InlineData("system:serviceaccount:one:here", "", "get - secrets x", "one", true, "RBAC: allowed by RoleBinding \"robots/one\" of ClusterRole \"secrets\" to ServiceAccount \"here/one\"")]
    [InlineData("system:serviceaccount:one:robot", "", "get - secrets x", "one", false, "")]
    [InlineData("lost", "", "get - pods x", "one", false, "RBAC: role.rbac.authorization.k8s.io \"gone\" not found")]
    [InlineData("reader", "", "get - pods x", "one", false, "")]
    [InlineData("root", "system:masters", "delete - nodes x", "", true, "")]
    public void Decide_LooksAtTheAskersBindings(string user, string groups, string request, string ns, bool allowed, string reason)
    {
        var asker = new UserInfo(user, groups.Split(',', StringSplitOptions.RemoveEmptyEntries));
        var wanted = Request(request) with { Namespace = ns };
        var decision = asker.IsAdmin ? new(true, "") : Index().Decide(asker, wanted);
        Assert.Equal((allowed, reason), (decision.Allowed, decision.Reason));
    }

    [Fact]
    public void Decide_AllocatesNothing()
    {
        var index = Index();
        var user = new UserInfo("bob", ["devs", "system:authenticated"]);
        var request = Request("get - secrets x") with { Namespace = "two" };
        index.Decide(user, request);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            index.Decide(user, request);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static RbacIndex Index() => new(
        [Object("ClusterRole", "secrets", "", """ "rules":[{"verbs":["get","list"],"apiGroups":[""],"resources":["secrets"]}] """)],
        [Object("Role", "reader", "one", """ "rules":[{"verbs":["get","list"],"apiGroups":[""],"resources":["pods"]}] """)],
        [Object("ClusterRoleBinding", "all", "", """ "roleRef":{"kind":"ClusterRole","name":"secrets"},"subjects":[{"kind":"Group","name":"devs"}] """)],
        [
            Object("RoleBinding", "pods", "one", """ "roleRef":{"kind":"Role","name":"reader"},"subjects":[{"kind":"User","name":"ann"}] """),
            Object("RoleBinding", "robots", "one", """ "roleRef":{"kind":"ClusterRole","name":"secrets"},"subjects":[{"kind":"ServiceAccount","name":"robot","namespace":"two"},{"kind":"ServiceAccount","name":"here"}] """),
            Object("RoleBinding", "lost", "one", """ "roleRef":{"kind":"Role","name":"gone"},"subjects":[{"kind":"User","name":"lost"}] """),
        ]);

    private static KubeObject Object(string kind, string name, string ns, string more) => KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes(
        $$"""{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"{{kind}}","metadata":{"name":"{{name}}","namespace":"{{ns}}"},{{more}}}"""));

    private static PolicyRule Rule(string text)
    {
        if (text.Split('@') is [var verbs, var paths])
        {
            return new PolicyRule { Verbs = List(verbs), NonResourceUrls = List(paths) };
        }
        var parts = text.Split('|');
        return new PolicyRule { Verbs = List(parts[0]), ApiGroups = parts[1].Split(','), Resources = List(parts[2]), ResourceNames = List(parts[3]) };
    }

    private static RequestInfo Request(string text)
    {
        var parts = text.Split(' ');
        if (parts[1].StartsWith('@'))
        {
            return new RequestInfo(false, parts[1][1..], parts[0]);
        }
        var resource = parts[2].Split('/');
        return new RequestInfo(
            true, "", parts[0], parts[1].Trim('-'), "v1", resource[0], resource.Length > 1 ? resource[1] : "", "", parts[3].Trim('-'));
    }

    private static string[] List(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries);
}
