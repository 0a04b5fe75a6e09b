*** Settings ***
Documentation    A server that lets outsiders and blocked people in is told by the cases that took effect.

Library          WaybillLibrary.Authorization
Library          WaybillLibrary.Presence
Resource         ../common.resource

Test Teardown    Run Keywords    End Scenario    AND    Stop Target
Test Timeout     180 seconds


*** Test Cases ***
An outsider who may add is noticed
    Start Defective Target    group-outsider-may-add
    Begin
    Try Conversation Operations    alice    bob    stranger=mallory
    Run Keyword And Expect Error    *must be refused and took effect: group/join/stranger (done)*
    ...    Role Table Should Hold

A sender that is believed is noticed
    Start Defective Target    sender-field-trusted
    Begin
    Try Under Another Name    mallory    victim=bob    other=alice
    Run Keyword And Expect Error    *frame/send/sender (delivered from bob)*    Role Table Should Hold

A block that holds nobody back is noticed
    Start Defective Target    blocklist-ignored
    Begin
    Try In Spite Of Blocks And Rules    mallory    victim=bob    friend=alice
    Run Keyword And Expect Error    *reach/send/blocked (delivered)*    Role Table Should Hold

A block that one node keeps to itself is noticed
    Start Target    ${TARGET}+block-per-node    many_nodes=True
    Begin
    Try At Every Node    mallory    victim=bob
    Run Keyword And Expect Error
    ...    *must be refused and took effect: *reach/send/blocked (*see/presence/blocked (online)*
    ...    Role Table Should Hold

An administration that takes everybody for an administrator is noticed
    Start Defective Target    any-user-is-admin
    Begin
    Try Administration    alice    bob
    Run Keyword And Expect Error    *must be refused and took effect*    Role Table Should Hold

Presence that is told to the blocked is noticed
    Start Defective Target    presence-leaks-to-blocked
    Begin
    Connect People    alice and mallory
    Come And Go Unseen    bob    blocked=mallory    watcher=alice    times=3
    Run Keyword And Expect Error    *block-ignored*    Check History
