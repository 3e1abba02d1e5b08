using Serval.Api;
using Serval.Api.Core;
using Serval.ApiServer.Http;
using Serval.Kube;
using Serval.Kube.Streams;

namespace Serval.ApiServer.Streams;

/// <summary>GET and POST of <c>pods/NAME/exec</c>, <c>attach</c> and <c>portforward</c>: the answer is a talk with a program.</summary>
internal sealed class PodStreamHandler(IKubeClient client, IPodStreams? streams, TimeProvider time, CancellationToken stopping)
{
    /// <summary>Most talks at a time, of all pods: each holds some 200 KB.</summary>
    private const int MostSessions = 500;

    /// <summary>Most of them of one user who is no administrator.</summary>
    private const int MostOfUser = 100;

    private readonly PodTalks? _talks = streams is null ? null : new PodTalks(streams, time, isKubelet: false);
    private readonly OpenRequests _open = new("streams to pods", MostSessions, MostOfUser);

    public async Task HandleAsync(ApiRequest request, ResourcePath path)
    {
        if (request.Method is not ("GET" or "POST"))
        {
            throw Failures.MethodNotAllowed();
        }
        var talk = await PrepareAsync(request, path);
        _open.Enter(request.User);
        try
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted, stopping);
            await talk(ended.Token);
        }
        finally
        {
            _open.Leave(request.User);
        }
    }

    // What can be refused is, before the protocol changes.
    private async Task<Func<CancellationToken, Task>> PrepareAsync(ApiRequest request, ResourcePath path)
    {
        var command = request.Http.Request.Query["command"].Select(c => c ?? "").ToList();
        if (path.Subresource == "exec" && (command.Count == 0 || command[0].Length == 0))
        {
            var problems = new OptionProblems("PodExecOptions", group: "", path.Name);
            problems.Required("command");
            problems.Throw();
        }
        var pod = (await client.GetAsync(path.Kind, path.Key, request.Aborted)).As<Pod>();
        if (pod.Status.Phase is "Succeeded" or "Failed")
        {
            var what = path.Subresource switch { "exec" => "exec into a container in", "attach" => "attach a container in", _ => "forward a port of" };
            throw ApiException.BadRequest($"cannot {what} a completed pod; current phase is {pod.Status.Phase}");
        }
        var talks = _talks ?? throw Failures.NoPodStreams();
        return path.Subresource == "portforward"
            ? talks.Forward(request.Http, path.Key, pod.Metadata.Uid, "ports")
            : await talks.PrepareAsync(request.Http, path.Key, Options(request, command), path.Subresource == "attach");
    }

    private static ExecOptions Options(ApiRequest request, IReadOnlyList<string> command) => new()
    {
        Container = request.Query("container"), Command = command, Stdin = request.Flag("stdin"), Stdout = request.Flag("stdout"), Tty = request.Flag("tty"),
        Stderr = request.Flag("stderr") && !request.Flag("tty"), // a terminal has one stream for both
    };
}
