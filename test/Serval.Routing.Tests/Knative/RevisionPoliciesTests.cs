using System.Text;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Routing.Knative;

namespace Serval.Routing.Tests.Knative;

public sealed class RevisionPoliciesTests
{
    [Theory]
    [InlineData("target-burst-capacity", "0", true)]
    [InlineData("targetBurstCapacity", "0", true)]
    [InlineData("target-burst-capacity", "1", false)]
    [InlineData("target-burst-capacity", "-1", false)]
    [InlineData("min-scale", "0", false)]
    public void BurstCapacityOfZero_LetsRequestsQueueAtTheInstances(string annotation, string value, bool expected)
    {
        var revision = KubeObject.Parse(Encoding.UTF8.GetBytes($$$"""
            {"apiVersion":"serving.knative.dev/v1","kind":"Revision",
            "metadata":{"name":"r","namespace":"n","annotations":{"autoscaling.knative.dev/{{{annotation}}}":"{{{value}}}"}},
            "spec":{"containerConcurrency":2,"containers":[{"image":"i"}]}}
            """)).As<Revision>();
        Assert.Equal(expected, RevisionPolicies.From(revision, serverless: null).QueuesAtInstances);
    }
}
