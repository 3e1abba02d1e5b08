using System.Runtime.InteropServices;
using Serval.Node.Processes;

namespace Serval.Node.Network;

/// <summary>A network namespace, kept alive by this descriptor. It has no name anywhere: with the last descriptor and process it is gone.</summary>
internal sealed class NetworkNamespace : SafeHandle
{
    private static readonly NetworkNamespace s_machine = new("/proc/self/ns/net"); // of the first thread, which never leaves it

    private NetworkNamespace(string path)
        : base(-1, ownsHandle: true) => SetHandle(Check(Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC, 0), $"open {path}"));

    public override bool IsInvalid => handle < 0;

    public int Descriptor => (int)handle;

    /// <summary>Makes one, for a thread that is the caller's own and ends: it stays in it.</summary>
    public static NetworkNamespace Create()
    {
        Check(Libc.unshare(Libc.CLONE_NEWNET), "unshare");
        return new NetworkNamespace("/proc/thread-self/ns/net");
    }

    /// <summary>Moves the calling thread, which must be the caller's own and end.</summary>
    public void Enter()
    {
        var held = false;
        try
        {
            DangerousAddRef(ref held);
            Check(Libc.setns(Descriptor, Libc.CLONE_NEWNET), "setns");
        }
        finally
        {
            if (held)
            {
                DangerousRelease();
            }
        }
    }

    /// <summary>Makes something in it that stays in it: a socket. The calling thread is back where it was when this returns.</summary>
    public T Make<T>(Func<T> socket)
    {
        _ = s_machine.Descriptor; // there is a way back
        Enter();
        try
        {
            return socket();
        }
        finally
        {
            if (Libc.setns(s_machine.Descriptor, Libc.CLONE_NEWNET) != 0)
            {
                Environment.FailFast($"a thread cannot leave a pod's network: setns: {Libc.LastErrorText()}"); // it would speak for that pod from now on
            }
        }
    }

    protected override bool ReleaseHandle() => Libc.close(Descriptor) == 0;

    private static int Check(int result, string call) =>
        result >= 0 ? result : throw new NetlinkException($"cannot make a network namespace: {call}", Marshal.GetLastPInvokeError());
}
