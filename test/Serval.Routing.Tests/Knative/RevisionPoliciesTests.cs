using System.Text;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Serving;
using Serval.Routing.Knative;

namespace Serval.Routing.Tests.Knative;

public sealed class RevisionPoliciesTests
{
    [Theory]
    [InlineData("target-burst-capacity", "0", 211, true)]
    [InlineData("targetBurstCapacity", "0", 211, true)]
    [InlineData("target-burst-capacity", "1", 0, false)]
    [InlineData("target-burst-capacity", "-1", 0, false)]
    [InlineData("min-scale", "0", 211, false)]
    [InlineData("min-scale", "0", 0, true)]
    public void BurstCapacityOfZero_LetsRequestsQueueAtTheInstances(string annotation, string value, double cluster, bool expected)
    {
        var revision = KubeObject.Parse(Encoding.UTF8.GetBytes($$$"""
            {"apiVersion":"serving.knative.dev/v1","kind":"Revision",
            "metadata":{"name":"r","namespace":"n","annotations":{"autoscaling.knative.dev/{{{annotation}}}":"{{{value}}}"}},
            "spec":{"containerConcurrency":2,"containers":[{"image":"i"}]}}
            """)).As<Revision>();
        Assert.Equal(expected, RevisionPolicies.From(revision, serverless: null, new AutoscalerConfig { TargetBurstCapacity = cluster }).QueuesAtInstances);
    }
}
