using Serval.Api.Core;
using Serval.Node.Containers;

namespace Serval.Node.Volumes;

/// <summary>Makes the <c>subPath</c> of each <c>subPathExpr</c> (kubelet: kubelet_pods.go, makeMounts; container/helpers.go, ExpandContainerVolumeMounts).</summary>
internal static class SubPaths
{
    /// <summary>The container with every reference replaced.</summary>
    /// <exception cref="ContainerConfigException">A variable is missing or empty, or the path that comes of it leads out of the volume.</exception>
    public static Container Expand(Container container, IReadOnlyDictionary<string, string> variables) =>
        container.VolumeMounts.All(m => m.SubPathExpr.Length == 0)
            ? container
            : container with { VolumeMounts = [.. container.VolumeMounts.Select(m => m.SubPathExpr.Length == 0 ? m : Expand(m, variables))] };

    private static VolumeMount Expand(VolumeMount mount, IReadOnlyDictionary<string, string> variables)
    {
        var missing = new SortedSet<string>(StringComparer.Ordinal);
        var path = Expansion.Expand(mount.SubPathExpr, name =>
        {
            var value = variables.GetValueOrDefault(name, "");
            if (value.Length == 0)
            {
                missing.Add(name);
            }
            return value;
        });
        if (missing.Count > 0)
        {
            throw Wrong(mount, $"missing value for {string.Join(", ", missing)}");
        }
        if (path.StartsWith('/'))
        {
            throw Wrong(mount, $"error SubPath `{path}` must not be an absolute path");
        }
        if (path.Split('/').Contains(".."))
        {
            throw Wrong(mount, $"unable to provision SubPath `{path}`: must not contain '..'");
        }
        return mount with { SubPath = path, SubPathExpr = "" };
    }

    private static ContainerConfigException Wrong(VolumeMount mount, string why) => new($"{why}; it is the subPathExpr {mount.SubPathExpr} of the mount at {mount.MountPath}");
}
