using System.Text;
using Serval.Api;
using Serval.Api.Core;
using Serval.Controllers.Workloads;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>Which pods a node takes. Rules and words are kube-scheduler's.</summary>
public sealed class NodeFitTests
{
    private const string Mismatch = "node(s) didn't match Pod's node affinity/selector";
    private const string Machine = """{"metadata":{"name":"m","labels":{"zone":"a","cores":"8"}}}""";

    [Theory]
    [InlineData(Machine, "{}", null)]
    [InlineData(Machine, """{"nodeSelector":{"zone":"a"}}""", null)]
    [InlineData(Machine, """{"nodeSelector":{"zone":"b"}}""", Mismatch)]
    [InlineData(Machine, """{"nodeSelector":{"rack":"1"}}""", Mismatch)]
    [InlineData("""{"metadata":{"name":"m"},"spec":{"unschedulable":true}}""", "{}", "node(s) were unschedulable")]
    [InlineData("""{"metadata":{"name":"m"},"spec":{"unschedulable":true}}""", """{"tolerations":[{"key":"node.kubernetes.io/unschedulable","operator":"Exists"}]}""", null)]
    [InlineData("""{"metadata":{"name":"m"},"spec":{"taints":[{"key":"gpu","value":"yes","effect":"NoSchedule"}]}}""", "{}", "node(s) had untolerated taint {gpu: yes}")]
    [InlineData("""{"metadata":{"name":"m"},"spec":{"taints":[{"key":"gpu","value":"yes","effect":"PreferNoSchedule"}]}}""", "{}", null)]
    [InlineData("""{"metadata":{"name":"m"},"spec":{"taints":[{"key":"gpu","value":"yes","effect":"NoSchedule"}]}}""", """{"tolerations":[{"key":"gpu","value":"yes"}]}""", null)]
    [InlineData("""{"metadata":{"name":"m"},"spec":{"taints":[{"key":"gpu","value":"yes","effect":"NoExecute"}]}}""", """{"tolerations":[{"key":"gpu","value":"yes","effect":"NoSchedule"}]}""", "node(s) had untolerated taint {gpu: yes}")]
    [InlineData("""{"metadata":{"name":"m"},"spec":{"taints":[{"key":"gpu","value":"yes","effect":"NoExecute"}]}}""", """{"tolerations":[{"operator":"Exists"}]}""", null)]
    [InlineData("""{"metadata":{"name":"m"},"spec":{"taints":[{"key":"gpu","value":"yes","effect":"NoSchedule"}]}}""", """{"tolerations":[{"key":"gpu","operator":"Equal","value":"no"}]}""", "node(s) had untolerated taint {gpu: yes}")]
    public void Node_TakesAPod_BySelectorAndTaints(string node, string spec, string? refusal) => Assert.Equal(refusal, NodeFit.Refusal(View<Node>("Node", node), Pod(spec)));

    [Theory]
    [InlineData("""{"matchExpressions":[{"key":"zone","operator":"In","values":["a","b"]}]}""", true)]
    [InlineData("""{"matchExpressions":[{"key":"zone","operator":"In","values":["b"]}]}""", false)]
    [InlineData("""{"matchExpressions":[{"key":"zone","operator":"NotIn","values":["b"]}]}""", true)]
    [InlineData("""{"matchExpressions":[{"key":"rack","operator":"NotIn","values":["b"]}]}""", true)]
    [InlineData("""{"matchExpressions":[{"key":"rack","operator":"Exists"}]}""", false)]
    [InlineData("""{"matchExpressions":[{"key":"rack","operator":"DoesNotExist"}]}""", true)]
    [InlineData("""{"matchExpressions":[{"key":"cores","operator":"Gt","values":["4"]}]}""", true)]
    [InlineData("""{"matchExpressions":[{"key":"cores","operator":"Gt","values":["8"]}]}""", false)]
    [InlineData("""{"matchExpressions":[{"key":"cores","operator":"Lt","values":["9"]}]}""", true)]
    [InlineData("""{"matchExpressions":[{"key":"zone","operator":"Lt","values":["9"]}]}""", false)]
    [InlineData("""{"matchExpressions":[{"key":"zone","operator":"Exists"},{"key":"rack","operator":"Exists"}]}""", false)]
    [InlineData("""{"matchFields":[{"key":"metadata.name","operator":"In","values":["m"]}]}""", true)]
    [InlineData("""{"matchFields":[{"key":"metadata.name","operator":"NotIn","values":["m"]}]}""", false)]
    [InlineData("{}", false)]
    [InlineData("""{"matchExpressions":[{"key":"rack","operator":"Exists"}]},{"matchExpressions":[{"key":"zone","operator":"Exists"}]}""", true)]
    public void NodeAffinity_OfAPod_AsksOneTermToHold(string terms, bool holds)
    {
        var spec = $$$$$"""{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{{{{{terms}}}}}]}}}}""";
        Assert.Equal(holds ? null : Mismatch, NodeFit.Refusal(View<Node>("Node", Machine), Pod(spec)));
    }

    [Theory]
    [InlineData("""{"cpu":"2","memory":"1Gi","pods":"10"}""", "cpu=500m pods=1", "cpu=1500m memory=1Gi pods=1", "")]
    [InlineData("""{"cpu":"2","memory":"1Gi","pods":"10"}""", "cpu=501m pods=1", "cpu=1500m memory=1025Mi pods=1", "Insufficient cpu,Insufficient memory")]
    [InlineData("""{"cpu":"2","pods":"1"}""", "pods=1", "pods=1", "Too many pods")]
    [InlineData("""{"cpu":"2","pods":"1"}""", "", "pods=1 nvidia.com/gpu=1", "Insufficient nvidia.com/gpu")]
    [InlineData("""{"cpu":"2","pods":"1"}""", "", "pods=1 memory=0", "")]
    [InlineData("{}", "", "cpu=1000 pods=1", "")]
    public void Node_Lacks_WhatIsAskedForBeyondWhatIsLeft(string has, string taken, string needs, string lacks) => Assert.Equal(lacks, string.Join(',',
        NodeFit.Lacks(View<Node>("Node", $$"""{"metadata":{"name":"m"},"status":{"allocatable":{{has}} } }"""), Amounts(taken), Amounts(needs))));

    private static Dictionary<string, Quantity> Amounts(string text) =>
        text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(a => a.Split('=')).ToDictionary(a => a[0], a => Quantity.Parse(a[1]));

    private static PodSpec Pod(string spec) => View<Pod>("Pod", $$"""{"metadata":{"name":"p","namespace":"n"},"spec":{{spec}} }""").Spec;

    private static T View<T>(string kind, string json)
        where T : class, IKubeView<T> => KubeObject.Parse(Encoding.UTF8.GetBytes($"{{\"apiVersion\":\"v1\",\"kind\":\"{kind}\",{json[1..]}")).As<T>();
}
