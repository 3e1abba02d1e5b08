namespace Serval.Api;

/// <summary>How objects of a kind differ from what the store keeps of them. Both directions are pure and never fail.</summary>
public interface IStoredForm
{
    /// <summary>A kept object as the kind shows it.</summary>
    KubeObject Read(KubeObject stored);

    /// <summary>An object of the kind as it is kept.</summary>
    KubeObject Write(KubeObject shown);
}
