using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>A revision that the user named in the template (BYO name): may it be used for this generation of its configuration?</summary>
internal static class NamedRevision
{
    /// <summary>Whether a revision of the wanted name exists that is not this configuration's or has another spec.</summary>
    internal static bool Conflicts(IKubeClient client, KubeObject stored, Configuration configuration)
    {
        var name = configuration.Spec.Template.Metadata.Name;
        return name.Length > 0
            && client.Cache(Kinds.Revision).Get(new ObjectKey(stored.Metadata.Namespace, name)) is { } revision
            && !Matches(stored, revision);
    }

    internal static bool Matches(KubeObject configuration, KubeObject revision)
    {
        if (revision.Metadata.ControllerRef?.Uid != configuration.Metadata.Uid)
        {
            return false;
        }
        return revision.Metadata.Label(KnativeNames.ConfigurationGenerationLabel) == configuration.Metadata.Generation.ToString()
            || JsonNode.DeepEquals(configuration.ToTree()["spec"]?["template"]?["spec"], revision.ToTree()["spec"]);
    }
}
