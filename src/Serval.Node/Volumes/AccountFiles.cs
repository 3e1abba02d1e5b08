using System.Text;
using Serval.Api.Admission;
using Serval.Kube.Tokens;
using Serval.Node.Containers;

namespace Serval.Node.Volumes;

/// <summary>
/// What pods find at <see cref="AccountMount.Path"/>: one directory an account, which all its pods show, so that the start of one writes and signs
/// nothing (docs/decisions/0023). Any thread.
/// </summary>
/// <param name="directory">Where they lie.</param>
/// <param name="signer">Makes the tokens.</param>
/// <param name="time">The clock.</param>
internal sealed class AccountFiles(string directory, ServiceAccountTokens signer, TimeProvider time)
{
    private const int ReadableFile = 0x1A4; // rw-r--r--

    private static readonly TimeSpan s_lifetime = TimeSpan.FromSeconds(3607);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Held> _held = new(StringComparer.Ordinal); // by the account's uid; guarded by _lock

    /// <summary>The directory of an account, with a token that has at least a fifth of its time, and when it is to be looked after again.</summary>
    public (string Path, DateTimeOffset Due) Prepare(string ns, string name, IReferences references)
    {
        var ca = references.ConfigMap(AccountMount.RootCa)?.Data.GetValueOrDefault("ca.crt") ?? throw ContainerConfigException.NotFound("configmap", AccountMount.RootCa);
        lock (_lock)
        {
            var account = references.ServiceAccount(name) ?? throw ContainerConfigException.NotFound("serviceaccount", name); // here: it may go meanwhile
            if (!_held.TryGetValue(account.Uid, out var held) || held.Due <= time.GetUtcNow() || held.Ca != ca)
            {
                held = _held[account.Uid] = Write(new TokenAccount(ns, name, account.Uid), ca);
            }
            return (held.Path, held.Due);
        }
    }

    /// <summary>An account is gone, and what its pods find with it.</summary>
    public void Forget(string uid)
    {
        lock (_lock)
        {
            if (!_held.Remove(uid, out var held))
            {
                return;
            }
            try
            {
                Directory.Delete(held.Path, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The node's next start removes it.
            }
        }
    }

    private Held Write(TokenAccount account, string ca)
    {
        var token = signer.Issue(account, null, "", s_lifetime);
        var path = Path.Combine(directory, account.Uid);
        AtomicDirectory.Write(path, new Dictionary<string, VolumeFile>(StringComparer.Ordinal)
        {
            ["token"] = File(token.Text), ["ca.crt"] = File(ca), ["namespace"] = File(account.Namespace),
        });
        return new Held(path, ca, PodTokens.RenewAt(token));

        static VolumeFile File(string text) => new(Encoding.UTF8.GetBytes(text), ReadableFile);
    }

    private sealed record Held(string Path, string Ca, DateTimeOffset Due);
}
