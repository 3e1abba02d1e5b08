using Serval.ApiServer.Access;

namespace Serval.ApiServer.Tests.Access;

public sealed class RequestInfoTests
{
    /// <summary>Verb, group, resource/subresource, namespace/name; for other paths the verb alone.</summary>
    [Theory]
    [InlineData("GET", "/api/v1/pods", "list  pods /")]
    [InlineData("HEAD", "/api/v1/pods", "list  pods /")]
    [InlineData("GET", "/api/v1/pods?watch=true", "watch  pods /")]
    [InlineData("GET", "/api/v1/pods?watch=0", "list  pods /")]
    [InlineData("GET", "/api/v1/namespaces/a/pods/x", "get  pods a/x")]
    [InlineData("GET", "/api/v1/namespaces/a/pods/x?watch=1", "get  pods a/x")] // a watch is of a collection
    [InlineData("GET", "/api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dx", "list  pods a/x")]
    [InlineData("GET", "/api/v1/namespaces/a/pods?watch=1&fieldSelector=status.phase%3DRunning,metadata.name%3D%3Dx", "watch  pods a/x")]
    [InlineData("GET", "/api/v1/namespaces/a/pods?fieldSelector=metadata.name!%3Dx", "list  pods a/")]
    [InlineData("GET", "/api/v1/namespaces/a/pods?fieldSelector=spec.metadata.name%3Dx", "list  pods a/")]
    [InlineData("DELETE", "/api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dx", "deletecollection  pods a/x")]
    [InlineData("POST", "/api/v1/namespaces/a/pods", "create  pods a/")]
    [InlineData("PUT", "/api/v1/namespaces/a/pods/x/status", "update  pods/status a/x")]
    [InlineData("PATCH", "/apis/apps/v1/namespaces/a/deployments/x/scale", "patch apps deployments/scale a/x")]
    [InlineData("GET", "/api/v1/namespaces/a/pods/x/log", "get  pods/log a/x")]
    [InlineData("GET", "/api/v1/namespaces/a/pods/x/exec?command=ls", "create  pods/exec a/x")]
    [InlineData("POST", "/api/v1/namespaces/a/pods/x/portforward", "create  pods/portforward a/x")]
    [InlineData("GET", "/api/v1/namespaces", "list  namespaces /")]
    [InlineData("GET", "/api/v1/namespaces/a", "get  namespaces a/a")]
    [InlineData("PUT", "/api/v1/namespaces/a/finalize", "update  namespaces/finalize a/a")]
    [InlineData("DELETE", "/api/v1/namespaces/a", "delete  namespaces a/a")]
    [InlineData("GET", "//api//v1//namespaces/a//secrets/", "list  secrets a/")]
    [InlineData("GET", "/api/v1", "get")]
    [InlineData("GET", "/apis/apps/v1", "get")]
    [InlineData("POST", "/version", "post")]
    [InlineData("OPTIONS", "/api/v1/pods", "  pods /")]
    [InlineData("OPTIONS", "/version", "options")]
    public void Of_Request_IsWhatUpstreamMakesOfIt(string method, string target, string expected)
    {
        var query = target.Split('?') is [_, var text] ? Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(text) : [];
        var watch = query.GetValueOrDefault("watch") is { Count: > 0 } flags && flags[0] is not ("0" or "false");
        var info = RequestInfo.Of(method, target.Split('?')[0], watch, query.GetValueOrDefault("fieldSelector").ToString());
        var resource = info.Subresource.Length > 0 ? $"{info.Resource}/{info.Subresource}" : info.Resource;
        Assert.Equal(expected, info.IsResource ? $"{info.Verb} {info.Group} {resource} {info.Namespace}/{info.Name}" : info.Verb);
    }
}
