using Serval.Kube;

namespace Serval.ApiServer.Http;

/// <summary>What a delete asks for.</summary>
/// <param name="Options">For the client.</param>
/// <param name="IsOldCascade">
/// It said <c>orphanDependents=false</c>: such a request alone hears 202 when the object is not gone at once (apiserver: DeleteResource).
/// </param>
internal sealed record DeleteRequest(DeleteOptions Options, bool IsOldCascade);
