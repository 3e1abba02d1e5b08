using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.ApiServer.Http;
using Serval.Kube;

namespace Serval.ApiServer.Proxying;

/// <summary>
/// GET of <c>nodes/NAME/proxy</c>: what a kubelet would say of a node that is known here, <c>/healthz</c> and <c>/pods</c>. There is no kubelet behind it,
/// and no other port of a node is reached through the API server.
/// </summary>
internal sealed class NodeDoor(IKubeClient client)
{
    private const string KubeletPort = "10250";

    public async Task AnswerAsync(ApiRequest request, ResourcePath path)
    {
        var name = ProxyName.Parse(path.Name, Kinds.Node);
        var node = await client.GetAsync(Kinds.Node, ObjectKey.Cluster(name.Name), request.Aborted);
        if (name.Port is not ("" or KubeletPort))
        {
            throw ApiException.BadRequest("address not allowed");
        }
        await ((request.Method, path.Below.TrimEnd('/')) switch
        {
            ("GET", "/healthz") => Reply.TextAsync(request.Http, 200, "ok"),
            ("GET", "/pods") => PodsAsync(request, node.Metadata.Name),
            _ => Reply.TextAsync(request.Http, 404, "404 page not found\n"),
        });
    }

    private Task PodsAsync(ApiRequest request, string node)
    {
        var items = client.Cache(Kinds.Pod).List().Where(p => p.As<Pod>().Spec.NodeName == node).Select(p => p.ToTree());
        var list = new JsonObject { ["kind"] = "PodList", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["items"] = new JsonArray([.. items]) };
        return Reply.JsonAsync(request, 200, CanonicalJson.Serialize(list));
    }
}
