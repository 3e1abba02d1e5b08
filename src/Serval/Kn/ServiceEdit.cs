using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Cli;

namespace Serval.Kn;

/// <summary>
/// What the flags of one command line make of a service: a function of the service, the flags and the <see cref="EditScene"/>
/// (knative/client: pkg/commands/service/configuration_edit_flags.go).
/// </summary>
/// <param name="Flags">Names without dashes and values, in the order they were given; a switch has "true" or "false".</param>
internal sealed record ServiceEdit(IReadOnlyList<(string Name, string Value)> Flags)
{
    /// <summary>The image as the user named it, where the stored one is its digest.</summary>
    public const string UserImage = "client.knative.dev/user-image";

    /// <summary>Makes a change that says the same a new revision all the same.</summary>
    public const string UpdateTimestamp = "client.knative.dev/updateTimestamp";

    /// <summary>Whether it makes a new revision.</summary>
    public bool MakesRevision => Flags.Any(f => ServiceFlags.ByName[f.Name].Flag.MakesRevision);

    /// <summary>Whether an image that runs stays when the tag it was found by has moved on.</summary>
    public bool Locks => Last(ServiceFlags.LockToDigest) != "false";

    /// <summary>A service before any flag. The empty annotation asks for the image to be remembered.</summary>
    public static JsonObject New(string name, string ns) => new()
    {
        ["apiVersion"] = Kinds.KService.ApiVersion,
        ["kind"] = Kinds.KService.Kind,
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns },
        ["spec"] = new JsonObject
        {
            ["template"] = new JsonObject
            {
                ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [UserImage] = "" } },
                ["spec"] = new JsonObject { ["containers"] = new JsonArray(new JsonObject()) },
            },
        },
    };

    /// <summary>Whether the revision that runs is needed to know the image.</summary>
    public bool NeedsBaseRevision(JsonObject service) => Locks && MakesRevision && !Has(ServiceFlags.Image) && Remembers(service.Object("spec").Object("template"));

    public bool Has(string flag) => Flags.Any(f => f.Name == flag);

    /// <summary>The service with the flags applied; the given one stays as it is.</summary>
    public JsonObject Apply(JsonObject service, EditScene scene)
    {
        Check();
        var target = new EditTarget((JsonObject)service.DeepClone(), scene);
        if (scene.Verb == EditVerb.Update && MakesRevision && target.Template.Object("metadata").String("name").Length > 0)
        {
            RevisionName.Set(target, RevisionName.Unique);
        }
        foreach (var (flag, values) in Runs())
        {
            flag.Apply(target, values);
        }
        target.Finish();
        if (MakesRevision && scene.Verb != EditVerb.Apply)
        {
            target.Annotate(UpdateTimestamp, scene.Now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
        }
        Lock(target);
        return target.Service;
    }

    private string? Last(string flag) => Flags.LastOrDefault(f => f.Name == flag).Value;

    private void Check()
    {
        foreach (var other in (string[])["scale-min", "scale-max"])
        {
            if (Has("scale") && Has(other))
            {
                throw new CliException(ExitCodes.Usage, $"--scale and --{other} say the same; leave one of them out");
            }
        }
    }

    // Flags in the order they take effect, the same ones that follow each other together.
    private IEnumerable<(ServiceFlag Flag, IReadOnlyList<string> Values)> Runs()
    {
        var runs = new List<(ServiceFlag Flag, List<string> Values)>();
        foreach (var (name, value) in Flags.OrderBy(f => ServiceFlags.ByName[f.Name].Rank))
        {
            var flag = ServiceFlags.ByName[name].Flag;
            if (runs.Count == 0 || runs[^1].Flag != flag)
            {
                runs.Add((flag, []));
            }
            runs[^1].Values.Add(value);
        }
        return runs.Select(r => (r.Flag, (IReadOnlyList<string>)r.Values));
    }

    // A service that was made without is not locked unawares.
    private bool Remembers(JsonObject? template) => template.Object("metadata").Object("annotations").Has(UserImage) || Has(ServiceFlags.LockToDigest);

    private void Lock(EditTarget target)
    {
        var annotations = target.Template.Object("metadata").Object("annotations");
        if (!Locks)
        {
            annotations?.Remove(UserImage);
            return;
        }
        if (!MakesRevision || !Remembers(target.Template))
        {
            return;
        }
        var image = target.Container.String("image");
        var remembered = annotations.String(UserImage);
        target.Annotate(UserImage, image.Contains('@', StringComparison.Ordinal) && remembered.Length > 0 && !Has(ServiceFlags.Image) ? remembered : image);
        if (!Has(ServiceFlags.Image) && target.Scene.BaseRevision is { } revision)
        {
            Pin(target, image, revision);
        }
    }

    private static void Pin(EditTarget target, string image, JsonObject revision)
    {
        var container = EditTarget.Serving(revision.Object("spec"));
        var name = revision.Object("metadata").String("name");
        if (container.String("image") != image)
        {
            throw new CliException(
                ExitCodes.Failed, $"can not pin image to digest: the service has the image {image}, its revision {name} has {container.String("image")}; say which with --image, or give --no-lock-to-digest");
        }
        var digest = revision.Object("status").Objects("containerStatuses").Select(s => s.Item).FirstOrDefault(s => s.String("name") == container.String("name")).String("imageDigest");
        if (digest.Length > 0)
        {
            target.Container["image"] = digest;
        }
    }
}
