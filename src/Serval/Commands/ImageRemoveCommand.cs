using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Cli;
using Serval.Images;
using Serval.Remote;

namespace Serval.Commands;

/// <summary><c>serval image rm</c>: takes names away, and images that have none left.</summary>
internal sealed class ImageRemoveCommand : ImageVerb
{
    private readonly Argument<string[]> _names = new("name") { Description = "Images, by name or digest", HelpName = "NAME:TAG", Arity = ArgumentArity.OneOrMore };
    private readonly Option<bool> _force = new("--force") { Description = "Also when a revision or a pod of the running server needs the image" };
    private readonly Option<string?> _kubeconfig = new("--kubeconfig")
    {
        Description = "Kubeconfig of the server whose revisions and pods are asked (default: kubeconfig in the data directory, if there is one)", HelpName = "FILE",
    };

    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml");

    public ImageRemoveCommand(CliContext context)
        : base(context, "rm", "Remove images", "serval image rm hello:v1")
    {
        Aliases.Add("remove");
        Add(_names);
        Add(_force);
        Add(_kubeconfig);
        Add(_output);
    }

    protected override async Task<int> RunAsync(ParseResult parse, ImageStore store, CancellationToken ct)
    {
        var results = new JsonArray();
        foreach (var name in parse.GetRequiredValue(_names))
        {
            if (!parse.GetValue(_force))
            {
                await RefuseIfNeededAsync(parse, store, name, ct);
            }
            var removal = await store.RemoveAsync(name, ct);
            results.Add(new JsonObject
            {
                ["untagged"] = new JsonArray([.. removal.Untagged.Select(u => JsonValue.Create(u))]),
                ["deleted"] = new JsonArray([.. removal.Deleted.Select(d => JsonValue.Create(d))]),
                ["freedBytes"] = removal.FreedBytes,
            });
            Tell(parse, removal);
        }
        Printer.TryWrite(Context.Out, parse.GetValue(_output), () => results);
        return ExitCodes.Ok;
    }

    private void Tell(ParseResult parse, ImageRemoval removal)
    {
        if (parse.GetValue(_output) is not null)
        {
            return;
        }
        foreach (var name in removal.Untagged)
        {
            Context.Out.WriteLine($"untagged {name}");
        }
        foreach (var digest in removal.Deleted)
        {
            Context.Out.WriteLine($"deleted {digest} ({Size(removal.FreedBytes)} freed)");
        }
    }

    private static async Task<string?> UseInAsync(ImageStore store, string digest, Pod pod, CancellationToken ct)
    {
        var images = pod.Spec.Volumes.Where(v => v.Image is not null).Select(v => (v.Image!.Reference, Use: $"volume {v.Name}"))
            .Concat(pod.Spec.InitContainers.Concat(pod.Spec.Containers).Select(c => (Reference: c.Image, Use: $"the image of container {c.Name}")));
        foreach (var (reference, use) in images)
        {
            try
            {
                if ((await store.ResolveAsync(reference, ct)).Digest == digest)
                {
                    return use;
                }
            }
            catch (ImageException)
            {
                // No image here has that name.
            }
        }
        return null;
    }

    // A revision at zero has no process that would hold its files, so the server is asked.
    private async Task RefuseIfNeededAsync(ParseResult parse, ImageStore store, string name, CancellationToken ct)
    {
        var given = parse.GetValue(_kubeconfig);
        var kubeconfig = given ?? Path.Combine(SharedOptions.DataDirectoryOf(parse, Context), "kubeconfig");
        if (given is null && !File.Exists(kubeconfig))
        {
            return; // of a node whose API server has a directory of its own
        }
        var byDigest = ImageDigest.IsValid(name); // which also reads as the name "sha256" with a long tag
        var digest = byDigest ? name : (await store.ResolveAsync(name, ct)).Digest;
        var names = store.List().Count(i => i.Digest == digest && i.Reference.Length > 0);
        if (names > 1 && !byDigest && !name.Contains('@', StringComparison.Ordinal))
        {
            return; // another name keeps it; by digest all of them go
        }
        try
        {
            using var client = RemoteClient.Open(kubeconfig, "", Context);
            var revisions = await client.GetAsync(ResourcePath.Of(Kinds.Revision), ct);
            var user = (revisions["items"] as JsonArray ?? []).FirstOrDefault(r => r?["status"]?.ToJsonString().Contains(digest, StringComparison.Ordinal) == true);
            if (user is not null)
            {
                var revision = $"{(string?)user["metadata"]?["namespace"]}/{(string?)user["metadata"]?["name"]}";
                throw new CliException(ExitCodes.Refused, $"image {name} is needed by revision {revision}; delete that first, or use --force");
            }
            var pods = await client.GetAsync(ResourcePath.Of(Kinds.Pod), ct);
            foreach (var pod in (pods["items"] as JsonArray ?? []).Select(p => KubeObject.From(p!.AsObject()).As<Pod>()))
            {
                if (pod.Status.Phase is not ("Succeeded" or "Failed") && await UseInAsync(store, digest, pod, ct) is { } use)
                {
                    throw new CliException(
                        ExitCodes.Refused, $"image {name} is {use} of pod {pod.Metadata.Namespace}/{pod.Metadata.Name}; delete that first, or use --force");
                }
            }
        }
        catch (CliException e) when (given is null && e.ExitCode is ExitCodes.NotReachable or ExitCodes.Timeout)
        {
            // The server does not run, nor does the image.
        }
    }
}
