using System.Globalization;
using Serval.Api.Core;
using Serval.Images;

namespace Serval.Node.Containers;

/// <summary>Whom a container runs as.</summary>
/// <param name="Uid">Its user.</param>
/// <param name="Gid">Its primary group.</param>
/// <param name="Groups">Its other groups.</param>
/// <param name="Home">The user's home directory.</param>
internal sealed record ContainerUser(uint Uid, uint Gid, IReadOnlyList<uint> Groups, string Home)
{
    private const int PasswdHome = 5;
    private const int GroupMembers = 3;

    /// <summary>
    /// The user that container, pod and image ask for, in this order (core/v1 SecurityContext, PodSecurityContext; OCI image config); null when
    /// it is root, or nothing is asked for. Names are the image's. Throws <see cref="ContainerConfigException"/>.
    /// </summary>
    public static ContainerUser? Resolve(Pod pod, Container container, ImageRoot image)
    {
        var context = pod.Spec.SecurityContext;
        var own = container.SecurityContext;
        var wanted = (image.Config.User ?? "").Split(':', 2);
        var runAs = own.RunAsUser ?? context.RunAsUser;
        var name = runAs is { } id ? Checked(id).ToString(CultureInfo.InvariantCulture) : wanted[0];
        var uid = Number(image, "passwd", name) ?? throw Unknown("user", name, container);
        var entry = name.Length == 0 ? null : Find(image, "passwd", name);
        var gid = own.RunAsGroup ?? context.RunAsGroup ?? (runAs is null && wanted is [_, { Length: > 0 } group]
            ? Number(image, "group", group) ?? throw Unknown("group", group, container)
            : Id(entry?[2 + 1] ?? "") ?? 0);
        var groups = context.SupplementalGroups.Concat(context.FsGroup is { } fs ? [fs] : []).Select(Checked)
            .Concat(entry is null ? [] : MemberOf(image, entry[0])).Distinct().ToList();
        return uid == 0 && gid == 0 && groups.Count == 0
            ? null
            : new ContainerUser(uid, Checked(gid), groups, entry is [_, _, _, _, _, { Length: > 0 } home, ..] ? home : uid == 0 ? "/root" : "/");
    }

    /// <summary>
    /// Refuses a container that must not run as root and would, as kubelet does (pkg/kubelet/kuberuntime, verifyRunAsNonRoot).
    /// </summary>
    /// <param name="pod">The pod.</param>
    /// <param name="container">Its container.</param>
    /// <param name="image">The container's image.</param>
    /// <param name="runsAs">The user that all programs run as; null when each can have its own.</param>
    public static void VerifyNonRoot(Pod pod, Container container, ImageRoot image, uint? runsAs)
    {
        if ((container.SecurityContext.RunAsNonRoot ?? pod.Spec.SecurityContext.RunAsNonRoot) != true)
        {
            return;
        }
        var runAs = container.SecurityContext.RunAsUser ?? pod.Spec.SecurityContext.RunAsUser;
        var user = (image.Config.User ?? "").Split(':')[0];
        var why = runAs == 0 ? "container's runAsUser breaks non-root policy"
            : runsAs is { } own ? own == 0 ? "container has runAsNonRoot and will run as root, because Serval may not start programs as other users here" : null
            : runAs is not null ? null
            : user.Length == 0 || Id(user) == 0 ? "container has runAsNonRoot and image will run as root"
            : Id(user) is null ? $"container has runAsNonRoot and image has non-numeric user ({user}), cannot verify user is non-root"
            : null;
        if (why is not null)
        {
            throw new ContainerConfigException(
                $"{why} (pod: \"{pod.Metadata.Name}_{pod.Metadata.Namespace}({pod.Metadata.Uid})\", container: {container.Name}); "
                + (runsAs is null ? "set runAsUser to the number of another user" : "run Serval as another user, or with all of root's capabilities"));
        }
    }

    /// <summary>What is asked for and cannot be had where all programs run as one user; empty when nothing is.</summary>
    public static string NotHonoured(Pod pod, Container container, ImageRoot image, uint runsAs)
    {
        var (context, own) = (pod.Spec.SecurityContext, container.SecurityContext);
        var runAs = own.RunAsUser ?? context.RunAsUser;
        var asked = new List<string>();
        if (runAs is not null && runAs != runsAs)
        {
            asked.Add($"runAsUser {runAs}");
        }
        else if (runAs is null && image.Config.User is { Length: > 0 } user && Number(image, "passwd", user.Split(':')[0]) != runsAs)
        {
            asked.Add($"the image's user {user}");
        }
        if ((own.RunAsGroup ?? context.RunAsGroup) is { } group)
        {
            asked.Add($"runAsGroup {group}");
        }
        if (context.FsGroup is { } fs)
        {
            asked.Add($"fsGroup {fs}");
        }
        if (context.SupplementalGroups.Count > 0)
        {
            asked.Add($"supplementalGroups {string.Join(", ", context.SupplementalGroups)}");
        }
        return string.Join(", ", asked);
    }

    // A number is the id itself: an image must not give it another meaning by an entry of that name.
    private static uint? Number(ImageRoot image, string file, string nameOrId) =>
        nameOrId.Length == 0 ? 0 : Id(nameOrId) ?? Id(Find(image, file, nameOrId)?[2] ?? "");

    private static string[]? Find(ImageRoot image, string file, string nameOrId) => Id(nameOrId) is { } id
        ? Entries(image, file).FirstOrDefault(e => Id(e[2]) == id)
        : Entries(image, file).FirstOrDefault(e => e[0] == nameOrId);

    private static IEnumerable<uint> MemberOf(ImageRoot image, string user) =>
        Entries(image, "group").Where(g => g.Length > GroupMembers && g[GroupMembers].Split(',').Contains(user)).Select(g => Id(g[2])).OfType<uint>();

    // name:password:number:… of passwd(5) and group(5)
    private static IEnumerable<string[]> Entries(ImageRoot image, string file)
    {
        var path = RootPath.Resolve(image.RootDirectory, "/etc/" + file);
        return File.Exists(path) ? File.ReadLines(path).Select(l => l.Split(':')).Where(e => e.Length > 2 && (file != "passwd" || e.Length > PasswdHome)) : [];
    }

    private static uint? Id(string text) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id <= int.MaxValue ? id : null;

    private static uint Checked(long id) => id is >= 0 and <= int.MaxValue
        ? (uint)id
        : throw new ContainerConfigException($"securityContext: {id} is no user or group; give a number from 0 to {int.MaxValue}");

    private static ContainerConfigException Unknown(string what, string name, Container container) => new(
        $"{what} \"{name}\" is not in /etc/{(what == "user" ? "passwd" : "group")} of image {container.Image}; set runAs{char.ToUpperInvariant(what[0])}{what[1..]} to a number",
        ContainerConfigException.CreateContainerError);
}
