namespace Serval.Api;

/// <summary>How objects of a kind differ from what the store keeps of them. Both directions are pure and never fail.</summary>
public interface IStoredForm
{
    /// <summary>A kept object as the kind shows it.</summary>
    KubeObject Read(KubeObject stored);

    /// <summary>An object of the kind as it is kept.</summary>
    KubeObject Write(KubeObject shown);
}

/// <summary>Two versions of one custom resource: only <c>apiVersion</c> differs (apiextensions: conversion strategy None).</summary>
internal sealed class VersionForm(string shown, string stored) : IStoredForm
{
    public KubeObject Read(KubeObject kept) => kept.WithApiVersion(shown);

    public KubeObject Write(KubeObject obj) => obj.WithApiVersion(stored);
}
